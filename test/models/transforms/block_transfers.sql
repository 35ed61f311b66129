--! description: Transfers per block and token
--! target: block_transfers
--! sources: eth_transfers
--! rows: per-block

SELECT block_num AS block_number, token, count() AS transfers, sum(amount) AS amount
FROM {source:Identifier}.eth_transfers FINAL
WHERE chain = {network:String} AND block_num BETWEEN {from:UInt64} AND {to:UInt64}
GROUP BY block_num, token
