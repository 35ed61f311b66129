-- The same on a cluster: rows in a local table on each shard, and a Distributed one over them (docs/clusters.md).
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}_local ON CLUSTER '{cluster}'
(
    block_number UInt32 COMMENT 'Block' CODEC(ZSTD(1)),
    row_count    UInt32 COMMENT 'Rows of the block' CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT '{{key}}: say here what a row is';

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}} ON CLUSTER '{cluster}'
(
    block_number UInt32 COMMENT 'Block' CODEC(ZSTD(1)),
    row_count    UInt32 COMMENT 'Rows of the block' CODEC(ZSTD(1))
)
-- Sharded by columns of ORDER BY: rows of one key have to be on one shard, where one of them is kept.
ENGINE = Distributed('{cluster}', {target:Identifier}, 'int_{{key}}_local', cityHash64(block_number))
COMMENT '{{key}}: say here what a row is';
