--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_first_access
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the first access' CODEC(ZSTD(1)),
    version      UInt32 NOT NULL DEFAULT 4294967295 - block_number COMMENT 'Falls as block_number rises, so that the row of the lowest block replaces the others' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT 'First block in which a successful transaction read, changed or created the address'
