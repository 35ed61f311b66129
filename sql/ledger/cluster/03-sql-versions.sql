-- The SQL behind each hash in the ledger: whole files, comments included, as they were when a table was first locked for
-- work with them. Written once, never changed, never deleted. Two runs may write the same row: it merges into one.
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.sql_versions ON CLUSTER '{cluster}'
(
    table_key LowCardinality(String) COMMENT 'Table key: address_diffs' CODEC(ZSTD(1)),
    sql_hash String COMMENT 'sha256 of the transform without comments and white space, as in the ledger' CODEC(ZSTD(1)),
    raw_hash String COMMENT 'sha256 of the file as it was on disk' CODEC(ZSTD(1)),
    file String COMMENT 'Path of the file as it was shown' CODEC(ZSTD(1)),
    text String COMMENT 'The whole file, header and comments included' CODEC(ZSTD(3)),
    user LowCardinality(String) COMMENT 'ClickHouse user of the runner' CODEC(ZSTD(1)),
    host LowCardinality(String) COMMENT 'Host of the runner' CODEC(ZSTD(1)),
    tool_version LowCardinality(String) COMMENT 'Version of backfill' CODEC(ZSTD(1)),
    kept_at DateTime64(6, 'UTC') COMMENT 'Server time, for people only' CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/backfill/{database}/{table}', '{shard}-{replica}')
ORDER BY (table_key, sql_hash, raw_hash)
COMMENT 'The SQL files that built the derived tables, by their hashes; written by backfill, append-only';
