--! group: Storage
--! server: each node
--! ok: no mutation fails, and none has run for an hour
-- Does a deletion fail repeatedly, or take very long? Deleting the rows of a chunk takes seconds to minutes.
--   fail  the latest attempt failed: the server repeats it for ever, and all later mutations of the table wait
--   warn  the server has worked on it for an hour
-- merges.sql reports mutations on which the server does not work.
WITH mutations AS (
    SELECT
        database, table, mutation_id, create_time,
        dateDiff('second', create_time, now()) AS seconds,
        substring(splitByChar('\n', latest_fail_reason)[1], 1, 200) AS failure
    FROM system.mutations
    WHERE NOT is_done AND NOT is_killed AND has({tables:Array(String)}, concat(database, '.', table))
)
SELECT
    if(failure != '', 'fail', 'warn') AS status,
    concat(database, '.', table) AS subject,
    concat(mutation_id, if(failure != '',
        concat(' fails again and again: ', failure),
        concat(' has run for ', intDiv(seconds, 60), ' min'))) AS finding,
    concat('KILL MUTATION WHERE database = \'', database, '\' AND table = \'', table, '\' AND mutation_id = \'', mutation_id, '\'') AS hint
FROM mutations
WHERE failure != '' OR seconds >= 3600 AND (database, table) IN (SELECT database, table FROM system.merges)
ORDER BY create_time
