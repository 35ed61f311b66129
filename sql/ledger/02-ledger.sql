-- One row per event, appended and never changed. The order of events is (epoch, seq) and nothing else: clocks differ.
-- The state of a table is the fold of its events: later events override earlier ones (docs/architecture.md, "Ledger").
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.ledger
(
    network LowCardinality(String) COMMENT 'meta_network_name of the source rows' CODEC(ZSTD(1)),
    table_key LowCardinality(String) COMMENT 'Table key: address_diffs' CODEC(ZSTD(1)),
    epoch UInt64 COMMENT 'Epoch of the lock under which the event was written' CODEC(DoubleDelta, ZSTD(1)),
    seq UInt64 COMMENT 'Number of the event within its epoch' CODEC(DoubleDelta, ZSTD(1)),
    event Enum8('started' = 1, 'done' = 2, 'failed' = 3, 'cleaned' = 4, 'invalidated' = 5, 'accepted' = 6, 'checkpoint' = 7)
        COMMENT 'What happened to the range' CODEC(ZSTD(1)),
    range_from UInt64 COMMENT 'First block of the range' CODEC(DoubleDelta, ZSTD(1)),
    range_to UInt64 COMMENT 'Last block of the range, included' CODEC(DoubleDelta, ZSTD(1)),
    target_uuid UUID COMMENT 'UUID of the target table: a recreated table is not done' CODEC(ZSTD(1)),
    sql_hash LowCardinality(String) COMMENT 'sha256 of the transform without comments and white space' CODEC(ZSTD(1)),
    source_fingerprint String COMMENT 'source=distinct blocks@newest updated_date_time, taken before the INSERT' CODEC(ZSTD(1)),
    forks LowCardinality(String) COMMENT 'Forks that the transform uses: name=first block; @source=its source database' CODEC(ZSTD(1)),
    inputs String COMMENT 'Derived tables that were read: key=UUID@epoch.seq of the last event before, or key=- where it holds none of these blocks' CODEC(ZSTD(1)),
    digest_rows Nullable(UInt64) COMMENT 'Rows of the range after the INSERT, as FINAL shows them; NULL: unknown' CODEC(ZSTD(1)),
    digest_sum Nullable(UInt64) COMMENT 'Sum of cityHash64 over these rows; NULL: unknown' CODEC(ZSTD(1)),
    digest_columns LowCardinality(String) COMMENT 'Names the hashed columns and their types' CODEC(ZSTD(1)),
    attempt UInt32 COMMENT 'Which try of the range in this run, from 1' CODEC(ZSTD(1)),
    run_id String COMMENT 'Run that wrote the event' CODEC(ZSTD(1)),
    query_id String COMMENT 'Query id of the INSERT' CODEC(ZSTD(1)),
    user LowCardinality(String) COMMENT 'ClickHouse user that wrote the event' CODEC(ZSTD(1)),
    rows_expected UInt64 COMMENT 'Rows that the probe found in the sources, 0 where it was not asked' CODEC(ZSTD(1)),
    rows_read UInt64 COMMENT 'Rows read, as the server reported' CODEC(ZSTD(1)),
    rows_written UInt64 COMMENT 'Rows written, as the server reported' CODEC(ZSTD(1)),
    bytes_read UInt64 COMMENT 'Bytes read, as the server reported' CODEC(ZSTD(1)),
    peak_memory UInt64 COMMENT 'Peak memory of the INSERT in bytes, 0 where unknown' CODEC(ZSTD(1)),
    elapsed_ms UInt64 COMMENT 'Time of the INSERT in ms' CODEC(ZSTD(1)),
    error_code Int32 COMMENT 'ClickHouse error code of a failed chunk, 0 where there is none' CODEC(ZSTD(1)),
    error String COMMENT 'Message of a failed chunk' CODEC(ZSTD(1)),
    forced Bool COMMENT 'The operator said by --to that the sources are complete' CODEC(ZSTD(1)),
    islands Array(Tuple(range_from UInt64, range_to UInt64, state LowCardinality(String), sql_hash String, forks String, inputs String))
        COMMENT 'Checkpoint: the fold of everything before it' CODEC(ZSTD(1)),
    oldest_parts Map(String, Int64) COMMENT 'Checkpoint of a table with a row per key: the smallest block number of the data parts of each partition, ever seen' CODEC(ZSTD(1)),
    host LowCardinality(String) COMMENT 'Host of the runner' CODEC(ZSTD(1)),
    tool_version LowCardinality(String) COMMENT 'Version of backfill' CODEC(ZSTD(1)),
    event_time DateTime64(6, 'UTC') COMMENT 'Server time, for people only' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (network, table_key, epoch, seq)
COMMENT 'Which block ranges of which derived table are done; written by backfill, append-only; version 1';
