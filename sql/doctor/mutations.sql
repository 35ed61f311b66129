--! group: Storage
--! server: each node
--! ok: no mutation fails, and none has run for an hour
-- Does a deletion fail repeatedly, or take very long? Deleting a chunk takes seconds to minutes.
--   fail  the latest attempt failed: the server repeats it forever, and all later mutations of the table wait
--   fail  it waits for a part that no replica has: a node died when it was inserted, and the others still know of it
--   warn  the server has worked on it for an hour
-- merges.sql checks mutations that the server does not work on.
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
UNION ALL
SELECT
    'fail' AS status,
    concat(database, '.', table) AS subject,
    concat(mutation_id, ' waits for part ', part, ', which no replica has') AS finding,
    concat('SYSTEM RESTART REPLICA `', database, '`.`', table, '`') AS hint
FROM (
    SELECT database, table, mutation_id, arrayJoin(parts_to_do_names) AS part
    FROM system.mutations
    WHERE NOT is_done AND create_time < now() - 60 AND has({tables:Array(String)}, concat(database, '.', table))
)
-- A part that comes is in the queue. A table of one server has none.
WHERE (database, table) IN (SELECT database, table FROM system.replicas WHERE queue_size = 0)
    AND (database, table, part) NOT IN (SELECT database, table, name FROM system.parts)
