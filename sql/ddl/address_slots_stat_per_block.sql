--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_slots_stat_per_block
(
    address         String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number    UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    slots_cleared   UInt32 NOT NULL COMMENT 'Changes of a slot of the address from non-zero to zero' CODEC(ZSTD(1)),
    slots_set       UInt32 NOT NULL COMMENT 'Changes of a slot of the address from zero to non-zero' CODEC(ZSTD(1)),
    net_slots       Int32  NOT NULL DEFAULT slots_set - slots_cleared COMMENT 'Slots the state grew by; negative if it shrank' CODEC(ZSTD(1)),
    net_slots_bytes Int32  NOT NULL DEFAULT (slots_set - slots_cleared) * 64 COMMENT 'The same in bytes: a slot is a key and a value of 32 bytes each' CODEC(ZSTD(1)),
    INDEX by_block block_number TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY cityHash64(address) % 16
ORDER BY (address, block_number)
COMMENT 'Storage slots set and cleared, per address and block'
