--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.canonical_execution_transaction
(
    updated_date_time        DateTime               COMMENT 'When the row was written; the newest row of a key wins' CODEC(DoubleDelta, ZSTD(1)),
    block_number             UInt64                 COMMENT 'Block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_index        UInt64                 COMMENT 'Index of the transaction in the block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_hash         FixedString(66)        COMMENT 'Hash of the transaction' CODEC(ZSTD(1)),
    nonce                    UInt64                 COMMENT 'Nonce of the sender' CODEC(DoubleDelta, ZSTD(1)),
    from_address             String                 COMMENT 'Sender' CODEC(ZSTD(1)),
    to_address               Nullable(String)       COMMENT 'Recipient; NULL for a contract creation' CODEC(ZSTD(1)),
    value                    UInt256                COMMENT 'Value sent, in wei' CODEC(ZSTD(1)),
    input                    Nullable(String)       COMMENT 'Call data' CODEC(ZSTD(1)),
    gas_limit                UInt64                 COMMENT 'Gas limit' CODEC(DoubleDelta, ZSTD(1)),
    gas_used                 UInt64                 COMMENT 'Gas used' CODEC(DoubleDelta, ZSTD(1)),
    gas_price                UInt128                COMMENT 'Gas price, in wei' CODEC(ZSTD(1)),
    transaction_type         UInt8                  COMMENT 'Transaction type (EIP-2718)' CODEC(DoubleDelta, ZSTD(1)),
    max_priority_fee_per_gas UInt64                 COMMENT 'Tip per gas offered, in wei' CODEC(DoubleDelta, ZSTD(1)),
    max_fee_per_gas          UInt64                 COMMENT 'Highest fee per gas accepted, in wei' CODEC(DoubleDelta, ZSTD(1)),
    success                  Bool                   COMMENT 'Whether the transaction took effect' CODEC(ZSTD(1)),
    n_input_bytes            UInt32                 COMMENT 'Length of the call data' CODEC(DoubleDelta, ZSTD(1)),
    n_input_zero_bytes       UInt32                 COMMENT 'Zero bytes in the call data' CODEC(DoubleDelta, ZSTD(1)),
    n_input_nonzero_bytes    UInt32                 COMMENT 'Non-zero bytes in the call data' CODEC(DoubleDelta, ZSTD(1)),
    meta_network_name        LowCardinality(String) COMMENT 'Network of the row' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_date_time)
PARTITION BY (meta_network_name, intDiv(block_number, 5000000))
ORDER BY (meta_network_name, block_number, transaction_hash)
COMMENT 'Transactions'
