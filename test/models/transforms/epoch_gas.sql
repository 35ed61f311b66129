--! description: Gas used in each epoch
--! target: epoch_gas
--! sources: epochs
--! lookup: eth_blocks
--! rows: per-block
--! position: toUnixTimestamp(epoch_start_date_time)

SELECT e.start AS epoch_start_date_time, sum(b.gas_used) AS gas_used
FROM
(
    SELECT epoch_start_date_time AS start FROM {source:Identifier}.epochs FINAL
    WHERE epoch_start_date_time BETWEEN {from:DateTime} AND {to:DateTime}
) AS e
CROSS JOIN {source:Identifier}.eth_blocks AS b
WHERE b.timestamp >= e.start AND b.timestamp < e.start + 384
GROUP BY epoch_start_date_time
