-- What runs say of themselves that no event of the ledger says: what holds them back, said again each minute, and how they ended if not
-- because their work was done. The newest row of a run counts; one that says what holds the run back counts for 90 s, for then the run is gone.
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.run_reports
(
    network LowCardinality(String) COMMENT 'Network of the run' CODEC(ZSTD(1)),
    run_id UUID COMMENT 'The run' CODEC(ZSTD(1)),
    tables Array(LowCardinality(String)) COMMENT 'Keys of its tables' CODEC(ZSTD(1)),
    says LowCardinality(String) COMMENT 'load (--max-load), disk, unreachable: what holds it back; going on, interrupted (Ctrl-C), out of time (--max-runtime), locked (another run holds a lock: exit code 5)' CODEC(ZSTD(1)),
    reason String COMMENT 'In words; empty where the word says it' CODEC(ZSTD(1)),
    person LowCardinality(String) COMMENT 'Who started the run, as the host calls them; empty: unknown' CODEC(ZSTD(1)),
    user LowCardinality(String) COMMENT 'ClickHouse user of the run' CODEC(ZSTD(1)),
    host LowCardinality(String) COMMENT 'Host of the run' CODEC(ZSTD(1)),
    tool_version LowCardinality(String) COMMENT 'Version of backfill' CODEC(ZSTD(1)),
    said_at DateTime64(6, 'UTC') COMMENT 'Server time' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(said_at)
ORDER BY (network, run_id)
COMMENT 'What holds runs back, and how they ended; written by backfill, read by status, log and the view backfill.runs';
