--! shard: block_number

-- A row belongs to one block (rows: per-block): a range can be deleted and done again.
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}
(
    block_number UInt32 COMMENT 'Block' CODEC(ZSTD(1)),
    row_count    UInt32 COMMENT 'Rows of the block' CODEC(ZSTD(1))
)
-- Of rows with the same ORDER BY one is kept, so that a range can be run again. The key has block_number, and what
-- PARTITION BY names is part of the key.
ENGINE = ReplacingMergeTree
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT '{{key}}: say here what a row is'
