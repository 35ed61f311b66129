--! shard: cityHash64(address, slot_key)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_storage_slot_last_access
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    slot_key     String NOT NULL COMMENT 'Key of the storage slot, 32 bytes in lower case hex' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the last access' CODEC(ZSTD(1)),
    value        String NOT NULL COMMENT 'Value written; where the last access is only a read, the value read' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY (address, slot_key)
COMMENT 'Last access of a storage slot by a successful transaction'
