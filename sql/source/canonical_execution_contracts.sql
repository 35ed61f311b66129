--! block-coverage: sparse
CREATE TABLE IF NOT EXISTS {source:Identifier}.canonical_execution_contracts
(
    updated_date_time DateTime               COMMENT 'When the row was written; the newest row of a key wins' CODEC(DoubleDelta, ZSTD(1)),
    block_number      UInt64                 COMMENT 'Block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_hash  FixedString(66)        COMMENT 'Hash of the transaction' CODEC(ZSTD(1)),
    internal_index    UInt32                 COMMENT 'Number of the row among the contracts of its transaction' CODEC(DoubleDelta, ZSTD(1)),
    create_index      UInt32                 COMMENT 'Number of the creation in the block' CODEC(DoubleDelta, ZSTD(1)),
    contract_address  String                 COMMENT 'Address of the contract' CODEC(ZSTD(1)),
    deployer          String                 COMMENT 'Sender of the transaction' CODEC(ZSTD(1)),
    factory           String                 COMMENT 'Creator of the contract: the deployer or another contract' CODEC(ZSTD(1)),
    init_code         String                 COMMENT 'Initialisation code' CODEC(ZSTD(1)),
    code              Nullable(String)       COMMENT 'Deployed code' CODEC(ZSTD(1)),
    init_code_hash    String                 COMMENT 'Hash of the initialisation code' CODEC(ZSTD(1)),
    n_init_code_bytes UInt32                 COMMENT 'Length of the initialisation code' CODEC(DoubleDelta, ZSTD(1)),
    n_code_bytes      UInt32                 COMMENT 'Length of the deployed code' CODEC(DoubleDelta, ZSTD(1)),
    code_hash         String                 COMMENT 'Hash of the deployed code' CODEC(ZSTD(1)),
    meta_network_name LowCardinality(String) COMMENT 'Network of the row' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_date_time)
PARTITION BY (meta_network_name, intDiv(block_number, 5000000))
ORDER BY (meta_network_name, block_number, transaction_hash, internal_index)
COMMENT 'Contract creations; also those that a reverted parent call undid'
