--! group: Ledger
--! server: keeper
--! ok: every lock in Keeper has a heartbeat within the last minute
-- Like locks.sql, for a cluster with Keeper: a lock is a row of one KeeperMap table that all nodes see.
WITH locks AS (
    SELECT splitByString('__', name)[2] AS key, argMax(comment, name) AS said
    FROM {locks:Identifier}.locks
    WHERE startsWith(name, concat({network:String}, '__'))
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
    concat('DELETE FROM ', {locks:String}, '.locks WHERE name = \'', name, '\'') AS hint
FROM {locks:Identifier}.locks
WHERE startsWith(name, concat({network:String}, '__'))
    AND NOT (match(right(name, 20), '^[0-9]+$') AND right(name, 20) <= '00009007199254740991')
ORDER BY subject
