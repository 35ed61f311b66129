--! description: Slots that each proposer has had up to each slot
--! target: proposals
--! sources: beacon_slots
--! after: itself
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)
--! order: sequential

WITH earlier AS
(
    SELECT proposer, max(proposals) AS before FROM {target:Identifier}.proposals FINAL
    WHERE slot_start_date_time < fromUnixTimestamp({from:UInt64})
    GROUP BY proposer
)
SELECT own.slot_start_date_time AS slot_start_date_time, own.proposer AS proposer, own.n + earlier.before AS proposals
FROM
(
    SELECT slot_start_date_time, proposer, count() OVER (PARTITION BY proposer ORDER BY slot_start_date_time) AS n
    FROM {source:Identifier}.beacon_slots FINAL
    WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})
) AS own
LEFT JOIN earlier ON own.proposer = earlier.proposer
