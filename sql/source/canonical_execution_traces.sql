--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.canonical_execution_traces
(
    updated_date_time  DateTime               COMMENT 'When the row was written; the newest row of a key wins' CODEC(DoubleDelta, ZSTD(1)),
    block_number       UInt64                 COMMENT 'Block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_index  UInt64                 COMMENT 'Index of the transaction in the block' CODEC(DoubleDelta, ZSTD(1)),
    transaction_hash   FixedString(66)        COMMENT 'Hash of the transaction' CODEC(ZSTD(1)),
    internal_index     UInt32                 COMMENT 'Number of the row among the traces of its transaction' CODEC(DoubleDelta, ZSTD(1)),
    action_from        String                 COMMENT 'Caller, creator or destructed account' CODEC(ZSTD(1)),
    action_to          Nullable(String)       COMMENT 'Callee, or beneficiary of a self-destruct' CODEC(ZSTD(1)),
    action_value       UInt256                COMMENT 'Value sent, or balance of a destructed account, in wei' CODEC(ZSTD(1)),
    action_gas         UInt64                 COMMENT 'Gas given' CODEC(DoubleDelta, ZSTD(1)),
    action_input       Nullable(String)       COMMENT 'Call data' CODEC(ZSTD(1)),
    action_call_type   LowCardinality(String) COMMENT 'call, callcode, delegatecall or staticcall' CODEC(ZSTD(1)),
    action_init        Nullable(String)       COMMENT 'Initialisation code of a creation' CODEC(ZSTD(1)),
    action_reward_type String                 COMMENT 'block or uncle, for rewards' CODEC(ZSTD(1)),
    action_type        LowCardinality(String) COMMENT 'call, create, suicide or reward' CODEC(ZSTD(1)),
    result_gas_used    UInt64                 COMMENT 'Gas used' CODEC(DoubleDelta, ZSTD(1)),
    result_output      Nullable(String)       COMMENT 'Return data' CODEC(ZSTD(1)),
    result_code        Nullable(String)       COMMENT 'Deployed code of a creation' CODEC(ZSTD(1)),
    result_address     Nullable(String)       COMMENT 'Address of a created contract' CODEC(ZSTD(1)),
    trace_address      Nullable(String)       COMMENT 'Path in the call tree, joined by _; NULL for the root' CODEC(ZSTD(1)),
    subtraces          UInt32                 COMMENT 'Number of child traces' CODEC(DoubleDelta, ZSTD(1)),
    error              Nullable(String)       COMMENT 'Why the call failed; NULL if it did not' CODEC(ZSTD(1)),
    meta_network_name  LowCardinality(String) COMMENT 'Network of the row' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_date_time)
PARTITION BY (meta_network_name, intDiv(block_number, 5000000))
ORDER BY (meta_network_name, block_number, transaction_hash, internal_index)
COMMENT 'Calls, creations, self-destructs and rewards, one row per trace'
