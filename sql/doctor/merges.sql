--! group: Storage
--! server: each node
--! ok: nothing waits for merges
-- Are merges stopped, or is their pool full? No system table shows it (ClickHouse issue 86576), but unfinished work does:
--   fail  a mutation has waited for 5 s, and the server works on nothing of its table: a deletion would never end.
--         A server begins a mutation within a second or two.
--   warn  a partition has 20 parts that were never merged, the newest a minute old, and the server works on nothing of
--         its table. A server merges twenty new parts at once.
WITH
    working AS (SELECT DISTINCT database, table FROM system.merges),
    waiting AS (
        SELECT database, table, mutation_id, dateDiff('second', create_time, now()) AS seconds
        FROM system.mutations
        WHERE NOT is_done AND NOT is_killed AND latest_fail_reason = '' AND seconds >= 5
            AND has({tables:Array(String)}, concat(database, '.', table))
            AND (database, table) NOT IN working
        ORDER BY create_time
        LIMIT 1 BY database, table
    ),
    piled AS (
        SELECT database, table, countIf(level = 0) AS unmerged, dateDiff('second', maxIf(modification_time, level = 0), now()) AS seconds
        FROM system.parts
        WHERE active AND has({tables:Array(String)}, concat(database, '.', table))
            AND (database, table) NOT IN working
            AND (database, table) NOT IN (SELECT database, table FROM waiting)
        GROUP BY database, table, partition_id
        HAVING unmerged >= 20 AND seconds >= 60
        ORDER BY unmerged DESC
        LIMIT 1 BY database, table
    ),
    stopped AS (
        SELECT 'fail' AS status, database, table,
            concat('nothing works on ', mutation_id, ', which has waited for ', seconds,
                ' s: merges are stopped or their pool is full, a deletion would never end') AS finding
        FROM waiting
        UNION ALL
        SELECT 'warn' AS status, database, table,
            concat(unmerged, ' parts were never merged, the newest is ', seconds, ' s old: are merges stopped?') AS finding
        FROM piled
    )
SELECT
    status,
    concat(database, '.', table) AS subject,
    finding,
    concat('SYSTEM START MERGES `', database, '`.`', table, '`') AS hint
FROM stopped
ORDER BY status, subject
