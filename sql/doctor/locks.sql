--! group: Ledger
--! server: target
--! ok: no lock is held by a run that has been silent for a minute
-- Is a lock held by a run that no longer lives? A holder writes a heartbeat into the comment of its lock every 5 s.
-- A lock is a table <network>__<table>__<epoch> of the locks' database (with Keeper a row: locks-in-keeper.sql); the
-- highest epoch owns it. The heartbeat has the holder's time, so a clock that is a minute off shows here, too.
WITH locks AS (
    SELECT splitByString('__', name)[2] AS key, argMax(comment, name) AS said
    FROM system.tables
    WHERE database = {locks:String} AND startsWith(name, concat({network:String}, '__'))
    GROUP BY key
)
SELECT
    'warn' AS status,
    key AS subject,
    concat('held by process ', JSONExtractInt(said, 'pid'), ' on ', JSONExtractString(said, 'host'), ' since ', JSONExtractString(said, 'since'),
        ', whose last heartbeat is ', JSONExtractString(said, 'heartbeat'), ': it is dead or unreachable; a run takes the lock after 20 s') AS finding,
    concat('backfill unlock --tables ', key) AS hint
FROM locks
WHERE NOT JSONExtractBool(said, 'released')
    AND parseDateTimeBestEffortOrZero(JSONExtractString(said, 'heartbeat'), 'UTC') < now() - 60
ORDER BY key
