-- The tables of the network that are not `known`, with the database and name of the latest table of each, and its events. A
-- key with a hyphen is an import's.
SELECT
    table_key AS table,
    nullIf(any(name), '') AS target,
    sum(number) AS events,
    formatDateTime(max(last), '%FT%TZ', 'UTC') AS last_event
FROM
(
    SELECT table_key, argMax(target_uuid, (epoch, seq)) AS uuid, toUInt32(count()) AS number, max(event_time) AS last
    FROM {ledger:Identifier}.ledger
    WHERE network = {network:String} AND position(table_key, '-') = 0 AND NOT has({known:Array(String)}, table_key)
    GROUP BY table_key
) AS events
LEFT JOIN (SELECT uuid, concat(database, '.', name) AS name FROM system.tables) AS tables USING uuid
GROUP BY table
ORDER BY table
