--! group: Ledger
--! server: keeper
--! ok: every lock in Keeper has a heartbeat within the last minute
-- Like locks.sql, for a cluster with Keeper: a lock is a row of one KeeperMap table that all nodes see.
WITH locks AS (
    SELECT splitByString('__', name)[2] AS key, argMax(comment, name) AS said
    FROM {locks:Identifier}.locks
    WHERE startsWith(name, concat({network:String}, '__'))
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
