--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.events
(
    updated_date_time DateTime,
    block_number UInt64,
    value UInt64,
    meta_network_name LowCardinality(String)
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY (meta_network_name, block_number)
