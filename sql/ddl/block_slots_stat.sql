--! shard: block_number

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_block_slots_stat
(
    block_number    UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    slots_cleared   UInt32 NOT NULL COMMENT 'Changes of a slot from non-zero to zero' CODEC(ZSTD(1)),
    slots_set       UInt32 NOT NULL COMMENT 'Changes of a slot from zero to non-zero' CODEC(ZSTD(1)),
    net_slots       Int32  NOT NULL DEFAULT slots_set - slots_cleared COMMENT 'Slots the state grew by; negative if it shrank' CODEC(ZSTD(1)),
    net_slots_bytes Int32  NOT NULL DEFAULT (slots_set - slots_cleared) * 64 COMMENT 'The same in bytes: a slot is a key and a value of 32 bytes each' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT 'Storage slots set and cleared, per block'
