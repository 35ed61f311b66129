-- What was done over time, by table: the time from the first to the last chunk of the network is cut into equal slices,
-- and a chunk counts in the slice in which it ended. Arrays of one table belong together; slices without a chunk are absent.
-- An event that was sent twice, after a lost answer, counts once.
WITH
    done AS
    (
        SELECT table_key, epoch, seq, event_time, range_to - range_from + 1 AS length, rows_written, peak_memory
        FROM {ledger:Identifier}.ledger
        WHERE network = {network:String} AND event = 'done' AND query_id != ''
            AND has({tables:Array(String)}, table_key)
    ),
    (SELECT (min(event_time), max(event_time)) FROM done) AS span,
    toUInt32(greatest(1, ceil(dateDiff('second', span.1, span.2) / {slices:UInt32}))) AS seconds
SELECT
    table_key AS table,
    seconds AS slice_seconds,
    groupArray(slice) AS time, -- seconds since 1970, where the slice begins
    groupArray(slice_blocks / seconds) AS blocks_per_second,
    groupArray(slice_rows / seconds) AS rows_per_second,
    groupArray(memory) AS peak_memory -- bytes
FROM
(
    SELECT
        table_key,
        toUnixTimestamp(toStartOfInterval(toDateTime(event_time, 'UTC'), toIntervalSecond(seconds))) AS slice,
        sum(length) AS slice_blocks,
        sum(rows_written) AS slice_rows,
        max(peak_memory) AS memory
    FROM (SELECT * FROM done LIMIT 1 BY table_key, epoch, seq)
    GROUP BY table_key, slice
    ORDER BY table_key, slice
)
GROUP BY table_key
ORDER BY table_key
