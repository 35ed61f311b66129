--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_last_access
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the last access' CODEC(ZSTD(1)),
    is_deleted   Bool   NOT NULL COMMENT 'Always false: reserved, see accounts_alive for destructed accounts' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT 'Last block in which a successful transaction read, changed or created the address'
