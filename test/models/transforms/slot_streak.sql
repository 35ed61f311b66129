--! description: How often the proposer of a slot has proposed in the ten minutes before
--! target: slot_streak
--! after: slot_proposer (all before)
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT own.slot_start_date_time AS slot_start_date_time, countIf(before.at BETWEEN own.slot_start_date_time - INTERVAL 10 MINUTE AND own.slot_start_date_time) AS proposed
FROM (SELECT slot_start_date_time, proposer FROM {target:Identifier}.slot_proposer FINAL WHERE slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})) AS own
INNER JOIN
(
    SELECT slot_start_date_time AS at, proposer FROM {target:Identifier}.slot_proposer FINAL
    WHERE slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) - INTERVAL 10 MINUTE AND fromUnixTimestamp({to:UInt64})
) AS before ON own.proposer = before.proposer
GROUP BY slot_start_date_time
