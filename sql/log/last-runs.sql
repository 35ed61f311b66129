-- The last run of each table of a network that wrote into the present table: when it ended and how long ago, how long it took, how it ended.
-- Two passes: the first finds the runs by the order of the events, the second reads the events of these runs only.
WITH
    ours AS
    (
        SELECT * FROM {ledger:Identifier}.ledger
        WHERE network = {network:String} AND event IN ('started', 'done', 'failed')
            AND {present:Map(String, String)}[table_key] = toString(target_uuid)
    ),
    latest AS (SELECT table_key, argMax(run_id, (epoch, seq)) AS run_id FROM ours GROUP BY table_key),
    parts AS
    (
        SELECT
            table_key,
            any(run_id) AS run,
            min(event_time) AS first_time,
            max(event_time) AS last_time,
            max(epoch) AS last_epoch,
            uniqExactIf(query_id, event = 'started') > uniqExactIf(query_id, event IN ('done', 'failed')) AS is_open,
            groupArrayIf((range_from, range_to, (epoch, seq)), event = 'done') AS done,
            groupArrayIf((range_from, range_to, (epoch, seq)), event = 'failed') AS failed
        FROM ours WHERE (table_key, run_id) IN (SELECT table_key, run_id FROM latest)
        GROUP BY table_key
    )
SELECT
    table_key AS table,
    toString(run) AS run_id,
    toUnixTimestamp64Milli(toDateTime64(last_time, 3, 'UTC')) / 1000 AS ended,
    dateDiff('ms', last_time, now64(3)) / 1000 AS idle,
    dateDiff('ms', first_time, last_time) / 1000 AS seconds,
    multiIf(
        is_open AND {held:Map(String, UInt64)}[table_key] = last_epoch, 'in progress',
        -- A failed range was fixed if the chunks done after it have all its blocks: no block is done twice in a run.
        arrayExists(
            failure -> arraySum(
                fix -> if(fix.3 > failure.3, greatest(
                    0, toInt64(least(fix.2, failure.2)) - toInt64(greatest(fix.1, failure.1)) + 1), 0),
                done) < failure.2 - failure.1 + 1,
            failed), 'failed',
        is_open, 'interrupted',
        'done') AS outcome
FROM parts
