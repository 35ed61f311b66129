CREATE TABLE IF NOT EXISTS {target:Identifier}.block_proposer
(
    block_number UInt64,
    proposer UInt32
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
