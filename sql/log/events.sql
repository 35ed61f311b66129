-- The latest attempts at chunks, and events that belong to no attempt, newest first. An attempt has at most two events, of
-- which the last one is shown: an attempt without an end in the window has not ended. `done` without a query only says something
-- of rows that are there.
WITH
    ours AS
    (
        SELECT *, if(query_id = '', toString((epoch, seq)), query_id) AS try FROM {ledger:Identifier}.ledger
        WHERE network = {network:String} AND event != 'checkpoint' AND error != {digest_only:String}
            AND ({run:String} = '' OR startsWith(run_id, {run:String})) AND (NOT {errors:Bool} OR event = 'failed')
            AND (NOT {marks:Bool} OR query_id = '')
    ),
    -- Of one table, events are read backwards along the primary key, and only as many as the lines need. 50 more, because
    -- an event is sent again after a lost answer, which is rare.
    events AS
    (
        SELECT * FROM
        (
            SELECT * FROM ours WHERE table_key = {table:String}
            ORDER BY epoch DESC, seq DESC LIMIT {limit:UInt64} * 2 + 50
        )
        UNION ALL
        SELECT * FROM
        (
            SELECT * FROM ours WHERE {table:String} = ''
            ORDER BY event_time DESC, epoch DESC, seq DESC LIMIT {limit:UInt64} * 2 + 50
        )
    ),
    attempts AS
    (
        SELECT *, min(event_time) OVER (PARTITION BY table_key, run_id, try) AS first_time
        FROM events ORDER BY epoch DESC, seq DESC LIMIT 1 BY table_key, run_id, try
    )
SELECT
    run_id,
    table_key AS table,
    -- Of the table as it is, not of a dropped table of that name.
    toBool({present:Map(String, String)}[table_key] = toString(target_uuid)) AS present,
    range_from AS `from`,
    range_to AS `to`,
    multiIf(
        attempts.event = 'started', if({held:Map(String, UInt64)}[table_key] = epoch, 'in progress', 'interrupted'),
        attempts.event = 'failed' AND error_code IN (394, 236), 'interrupted', -- QUERY_WAS_CANCELLED, ABORTED
        attempts.event = 'failed' AND error_code IN (159, 160), 'out of time', -- TIMEOUT_EXCEEDED, TOO_SLOW
        attempts.event = 'failed' AND attempt >= {attempts:UInt8}, 'gave up',
        attempts.event = 'done' AND query_id = '' AND match(sql_hash, '^(sources|inputs)-'), 'marked stale',
        attempts.event = 'done' AND query_id = '', 'adopted',
        attempts.event = 'cleaned' AND attempts.error = {revoked:String}, 'revoked',
        toString(attempts.event)) AS event,
    attempt,
    concat(replaceOne(toString(toDateTime64(event_time, 3, 'UTC')), ' ', 'T'), 'Z') AS ended,
    -- A failed attempt has no recorded time.
    if(attempts.elapsed_ms > 0, attempts.elapsed_ms, dateDiff('ms', first_time, event_time)) AS elapsed_ms,
    rows_read,
    rows_written,
    peak_memory,
    error_code,
    if(attempts.event = 'failed', nullIf(attempts.error, ''), NULL) AS error,
    sql_hash,
    query_id,
    user,
    host,
    tool_version
FROM attempts
ORDER BY if({table:String} = '', event_time, toDateTime64(0, 6, 'UTC')) DESC, epoch DESC, seq DESC
LIMIT {limit:UInt64}
