-- The same on a cluster: rows in a local table on each shard, and a Distributed one over them (docs/clusters.md).
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}_local ON CLUSTER '{cluster}'
(
    address      String COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 COMMENT 'Last block in which it occurs' CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}', block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT '{{key}}: say here what a row is';

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}} ON CLUSTER '{cluster}'
(
    address      String COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 COMMENT 'Last block in which it occurs' CODEC(ZSTD(1))
)
-- Sharded by columns of ORDER BY: rows of one key have to be on one shard, where one of them is kept.
ENGINE = Distributed('{cluster}', {target:Identifier}, 'int_{{key}}_local', cityHash64(address))
COMMENT '{{key}}: say here what a row is';
