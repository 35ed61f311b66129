--! group: Ledger
--! server: target
--! ok: every held lock has a heartbeat within the last minute
-- Is a lock held by a dead run? A holder writes a heartbeat into the comment of its lock every 5 s.
-- A lock is a table <network>__<table>__<epoch> in the locks' database (with Keeper a row: locks-in-keeper.sql); the
-- highest epoch owns it. The heartbeat uses the holder's clock, so a clock that is a minute off shows here.
WITH locks AS (
    SELECT splitByString('__', name)[2] AS key, argMax(comment, name) AS said
    FROM system.tables
    WHERE database = {locks:String} AND startsWith(name, concat({network:String}, '__'))
        AND match(right(name, 20), '^[0-9]+$') AND right(name, 20) <= '00009007199254740991'
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
UNION ALL
-- The number of a lock is at most 2^53 - 1: what is above, or is no number, was not made by a run, and is ignored.
SELECT
    'warn' AS status,
    name AS subject,
    'is no lock that a run has made: its number is not one from 0 to 9007199254740991; it is ignored' AS finding,
    concat('DROP TABLE ', {locks:String}, '.`', name, '`') AS hint
FROM system.tables
WHERE database = {locks:String} AND startsWith(name, concat({network:String}, '__'))
    AND NOT (match(right(name, 20), '^[0-9]+$') AND right(name, 20) <= '00009007199254740991')
ORDER BY subject
