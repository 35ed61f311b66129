-- What the last run saw of each table that the ledger's events do not say: up to where it could be filled, and what the sources
-- lacked. For the view backfill.watermarks; `backfill` itself looks anew. The newest row of a table counts.
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.tables
(
    network LowCardinality(String) COMMENT 'meta_network_name of the source rows' CODEC(ZSTD(1)),
    table_key LowCardinality(String) COMMENT 'Table key: address_diffs' CODEC(ZSTD(1)),
    target_uuid UUID COMMENT 'UUID of the target' CODEC(ZSTD(1)),
    unit LowCardinality(String) COMMENT 'What positions count: block or second' CODEC(ZSTD(1)),
    expected_from Nullable(UInt64) COMMENT 'First position that the table should have; NULL: none' CODEC(ZSTD(1)),
    head Nullable(UInt64) COMMENT 'Last position that the table should have, after the lag; NULL: none' CODEC(ZSTD(1)),
    newest Nullable(UInt64) COMMENT 'Newest position that all sources had; NULL: none' CODEC(ZSTD(1)),
    source_gaps Array(Tuple(range_from UInt64, range_to UInt64)) COMMENT 'Ranges in which no source had a row' CODEC(ZSTD(1)),
    incomplete Array(Tuple(range_from UInt64, range_to UInt64)) COMMENT 'Positions that some sources had and others lacked' CODEC(ZSTD(1)),
    waiting_for String COMMENT 'Why the head is not further on, if a source says so' CODEC(ZSTD(1)),
    sql_hash String COMMENT 'sha256 of the transform, as in the ledger' CODEC(ZSTD(1)),
    run_id UUID COMMENT 'Run that wrote it' CODEC(ZSTD(1)),
    seen_at DateTime64(6, 'UTC') COMMENT 'Server time when it was written' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (network, table_key)
COMMENT 'What the last run saw of each table; written by backfill, read by the view backfill.watermarks';
