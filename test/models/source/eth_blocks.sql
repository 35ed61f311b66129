--! position: number
--! network: none
--! written: none
--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.eth_blocks
(
    number UInt64,
    timestamp DateTime,
    gas_used UInt64,
    miner String
)
ENGINE = MergeTree
ORDER BY number
