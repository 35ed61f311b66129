--! description: Country of the node with the number of the proposer
--! target: slot_country
--! after: slot_proposer
--! lookup: dim_node
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT slot_start_date_time, d.country AS country
FROM (SELECT slot_start_date_time, toUInt32(proposer % 7) AS node FROM {target:Identifier}.slot_proposer FINAL WHERE slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})) AS p
INNER JOIN {source:Identifier}.dim_node AS d ON d.node = p.node
