-- Ledgers made before version 0.2 lack this column.
ALTER TABLE {ledger:Identifier}.ledger
    ADD COLUMN IF NOT EXISTS rows_expected UInt64 COMMENT 'Rows that the probe found in the sources, 0 where it was not asked' CODEC(ZSTD(1)) AFTER user;
