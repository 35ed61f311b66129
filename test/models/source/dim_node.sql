--! network: none
--! written: none
CREATE TABLE IF NOT EXISTS {source:Identifier}.dim_node
(
    node UInt32,
    country String
)
ENGINE = MergeTree
ORDER BY node
