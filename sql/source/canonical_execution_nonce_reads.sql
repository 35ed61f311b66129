--! block-coverage: most-blocks
CREATE TABLE IF NOT EXISTS {source:Identifier}.canonical_execution_nonce_reads
(
    updated_date_time DateTime               COMMENT 'When the row was written; the newest row of a key wins' CODEC(DoubleDelta, ZSTD(1)),
    block_number      UInt64                 COMMENT 'Block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_index UInt64                 COMMENT 'Index of the transaction in the block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_hash  FixedString(66)        COMMENT 'Hash of the transaction' CODEC(ZSTD(1)),
    internal_index    UInt32                 COMMENT 'Number of the row among the nonce reads of its transaction' CODEC(DoubleDelta, ZSTD(1)),
    address           String                 COMMENT 'Address whose nonce was read' CODEC(ZSTD(1)),
    nonce             UInt64                 COMMENT 'Nonce before the transaction' CODEC(DoubleDelta, ZSTD(1)),
    meta_network_name LowCardinality(String) COMMENT 'Network of the row' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_date_time)
PARTITION BY (meta_network_name, intDiv(block_number, 5000000))
ORDER BY (meta_network_name, block_number, transaction_hash, internal_index)
COMMENT 'Nonces as a transaction found them; a nonce of 0 leaves no row'
