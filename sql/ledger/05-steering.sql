-- What people have asked of runs that are going: one row per order and table, appended and never changed. The order of
-- rows is `number`, because clocks differ. `backfill status` shows what holds now.
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.steering
(
    network LowCardinality(String) COMMENT 'Network of the runs' CODEC(ZSTD(1)),
    number UInt64 COMMENT 'One more than any before' CODEC(ZSTD(1)),
    table_key LowCardinality(String) COMMENT 'Table key; empty: all tables' CODEC(ZSTD(1)),
    action Enum8('pause' = 1, 'limit' = 2, 'resume' = 3) COMMENT 'resume ends pauses and limits' CODEC(ZSTD(1)),
    jobs UInt32 COMMENT 'Of a limit: statements at the same time' CODEC(ZSTD(1)),
    until Nullable(DateTime('UTC')) COMMENT 'Ends by itself then, by the clock of the server; NULL: only by another row' CODEC(ZSTD(1)),
    person LowCardinality(String) COMMENT 'Who typed it, as the host calls them; empty: unknown' CODEC(ZSTD(1)),
    user LowCardinality(String) COMMENT 'ClickHouse user that wrote the row' CODEC(ZSTD(1)),
    host LowCardinality(String) COMMENT 'Host where it was typed' CODEC(ZSTD(1)),
    tool_version LowCardinality(String) COMMENT 'Version of backfill' CODEC(ZSTD(1)),
    set_at DateTime64(6, 'UTC') COMMENT 'Server time, for people only' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (network, number, table_key)
COMMENT 'Pauses and limits of runs; written by backfill, append-only';
