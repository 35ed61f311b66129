--! block-coverage: most-blocks
CREATE TABLE IF NOT EXISTS {source:Identifier}.canonical_execution_storage_diffs
(
    updated_date_time DateTime               COMMENT 'When the row was written; the newest row of a key wins' CODEC(DoubleDelta, ZSTD(1)),
    block_number      UInt64                 COMMENT 'Block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_index UInt64                 COMMENT 'Index of the transaction in the block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_hash  FixedString(66)        COMMENT 'Hash of the transaction' CODEC(ZSTD(1)),
    internal_index    UInt32                 COMMENT 'Number of the row among the storage diffs of its transaction' CODEC(DoubleDelta, ZSTD(1)),
    address           String                 COMMENT 'Contract whose slot changed' CODEC(ZSTD(1)),
    slot              String                 COMMENT 'Key of the slot' CODEC(ZSTD(1)),
    from_value        String                 COMMENT 'Value before' CODEC(ZSTD(1)),
    to_value          String                 COMMENT 'Value after' CODEC(ZSTD(1)),
    meta_network_name LowCardinality(String) COMMENT 'Network of the row' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_date_time)
PARTITION BY (meta_network_name, intDiv(block_number, 5000000))
ORDER BY (meta_network_name, block_number, transaction_hash, internal_index)
COMMENT 'Net changes of a storage slot by a transaction'
