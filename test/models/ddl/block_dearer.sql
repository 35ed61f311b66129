CREATE TABLE IF NOT EXISTS {target:Identifier}.block_dearer
(
    block_number UInt64,
    dearer UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
