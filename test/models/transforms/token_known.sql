--! description: Transfers of tokens that have a node
--! target: token_known
--! sources: eth_transfers
--! lookup: dim_node
--! rows: per-block

SELECT block_num AS block_number, token, count() AS n
FROM {source:Identifier}.eth_transfers FINAL
WHERE chain = {network:String} AND block_num BETWEEN {from:UInt64} AND {to:UInt64}
  AND token IN (SELECT concat('t', toString(node)) FROM {source:Identifier}.dim_node)
GROUP BY block_num, token
SETTINGS max_partitions_per_insert_block = 1000, max_threads = 2
