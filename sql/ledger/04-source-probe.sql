-- What the last run found in the sources of its tables: source gaps and incomplete blocks. `status`, `plan` and
-- `up` need not look at these again while the data parts that hold them are the same. Every row stands for itself; the newest one counts.
CREATE TABLE IF NOT EXISTS {ledger:Identifier}.source_probe
(
    network LowCardinality(String) COMMENT 'meta_network_name of the source rows' CODEC(ZSTD(1)),
    sources String COMMENT 'Sources that were looked at, with their block coverage, and the length of a source gap' CODEC(ZSTD(1)),
    source_gaps Array(Tuple(range_from UInt64, range_to UInt64)) COMMENT 'Ranges in which no source had a row' CODEC(ZSTD(1)),
    incomplete Array(Tuple(range_from UInt64, range_to UInt64)) COMMENT 'Blocks that some sources had and others lacked' CODEC(ZSTD(1)),
    parts Array(Tuple(source String, hash String, rows UInt64, range_from UInt64, range_to UInt64))
        COMMENT 'Data parts of the sources before they were looked at, with their blocks: where one is another now, nothing of this counts' CODEC(ZSTD(1)),
    host LowCardinality(String) COMMENT 'Host of the runner' CODEC(ZSTD(1)),
    tool_version LowCardinality(String) COMMENT 'Version of backfill' CODEC(ZSTD(1)),
    probed_at DateTime64(6, 'UTC') COMMENT 'Server time when it was written' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(probed_at)
ORDER BY (network, sources)
COMMENT 'What the last run found missing from the sources; written by backfill, read by status and plan';
