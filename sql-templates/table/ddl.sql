--! shard: {{shard}}

-- A row belongs to one {{unit}} (rows: per-block): a range can be deleted and run again.
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}
(
    {{own}} {{type}} COMMENT '{{title}}' CODEC(ZSTD(1)),
    row_count UInt32 COMMENT 'Rows of the {{unit}}' CODEC(ZSTD(1))
)
-- One row is kept for each value of ORDER BY, so that a range can run again. ORDER BY must have {{own}} and the
-- columns of PARTITION BY.
ENGINE = ReplacingMergeTree
PARTITION BY {{partition}}
ORDER BY {{own}}
COMMENT '{{key}}: describe a row here'
