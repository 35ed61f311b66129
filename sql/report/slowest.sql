-- The chunks of each table that took longest.
SELECT
    table_key AS table,
    range_from AS `from`,
    range_to AS `to`,
    elapsed_ms,
    rows_read,
    rows_written,
    peak_memory,
    run_id,
    concat(replaceOne(toString(toDateTime64(event_time, 3, 'UTC')), ' ', 'T'), 'Z') AS ended
FROM {ledger:Identifier}.ledger
WHERE network = {network:String} AND event = 'done' AND query_id != '' AND has({tables:Array(String)}, table_key)
ORDER BY elapsed_ms DESC, table_key, epoch, seq
LIMIT 5 BY table_key
