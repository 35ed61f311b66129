-- Ledgers made before version 0.4 lack these columns: what rows their ranges hold is unknown.
ALTER TABLE {ledger:Identifier}.ledger
    ADD COLUMN IF NOT EXISTS digest_rows Nullable(UInt64) COMMENT 'Rows of the range after the INSERT, as FINAL shows them; NULL: unknown' CODEC(ZSTD(1)) AFTER inputs,
    ADD COLUMN IF NOT EXISTS digest_sum Nullable(UInt64) COMMENT 'Sum of cityHash64 over these rows; NULL: unknown' CODEC(ZSTD(1)) AFTER digest_rows,
    ADD COLUMN IF NOT EXISTS digest_columns LowCardinality(String) COMMENT 'Names the hashed columns and their types' CODEC(ZSTD(1)) AFTER digest_sum;
