-- Ledgers made before version 0.3 lack these columns: what their ranges were computed from is unknown.
ALTER TABLE {ledger:Identifier}.ledger
    ADD COLUMN IF NOT EXISTS forks LowCardinality(String) COMMENT 'Forks that the transform uses: name=first block' CODEC(ZSTD(1)) AFTER source_fingerprint,
    ADD COLUMN IF NOT EXISTS inputs String COMMENT 'Derived tables that were read: key=UUID@epoch.seq of the last event before, or key=- where it holds none of these blocks' CODEC(ZSTD(1)) AFTER forks,
    MODIFY COLUMN islands Array(Tuple(range_from UInt64, range_to UInt64, state LowCardinality(String), sql_hash String, forks String, inputs String));
