-- The chunks of each table that took longest. Without a sort of all chunks: each table keeps its five while the events are read.
SELECT
    table_key AS table,
    chunk.2 AS `from`,
    chunk.3 AS `to`,
    -chunk.1 AS elapsed_ms,
    chunk.4 AS rows_read,
    chunk.5 AS rows_written,
    chunk.6 AS peak_memory,
    concat(replaceOne(toString(toDateTime64(chunk.7, 3, 'UTC')), ' ', 'T'), 'Z') AS ended
FROM
(
    SELECT
        table_key,
        arrayJoin(groupArraySorted(5)((
            -toInt64(elapsed_ms), range_from, range_to, rows_read, rows_written, peak_memory, event_time))) AS chunk
    FROM {ledger:Identifier}.ledger
    WHERE network = {network:String} AND event = 'done' AND query_id != '' AND has({tables:Array(String)}, table_key)
    GROUP BY table_key
)
ORDER BY elapsed_ms DESC, table
