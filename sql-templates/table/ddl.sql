--! shard: block_number

-- A row belongs to one block (rows: per-block): a range can be deleted and run again.
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}
(
    block_number UInt32 COMMENT 'Block' CODEC(ZSTD(1)),
    row_count    UInt32 COMMENT 'Rows of the block' CODEC(ZSTD(1))
)
-- One row is kept for each value of ORDER BY, so that a range can run again. ORDER BY must have block_number and the
-- columns of PARTITION BY.
ENGINE = ReplacingMergeTree
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT '{{key}}: describe a row here'
