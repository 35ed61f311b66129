--! shard: cityHash64(address, slot_key)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_storage_slot_first_access
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    slot_key     String NOT NULL COMMENT 'Key of the storage slot, 32 bytes in lower case hex' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the first access' CODEC(ZSTD(1)),
    value        String NOT NULL COMMENT 'Value read; where the first access is a write without a read, the value written' CODEC(ZSTD(1)),
    version      UInt32 NOT NULL DEFAULT 4294967295 - block_number COMMENT 'Falls as block_number rises, so that the row of the lowest block replaces the others' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cityHash64(address) % 16
ORDER BY (address, slot_key)
COMMENT 'First access of a storage slot by a successful transaction'
