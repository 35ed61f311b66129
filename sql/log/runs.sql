-- The latest runs of a network, newest first. Two passes: the first reads only run ids and times to find these runs, the
-- second reads the other columns of their events. An event that was sent twice, after a lost answer, counts once.
WITH
    ours AS
    (
        SELECT * FROM {ledger:Identifier}.ledger
        WHERE network = {network:String} AND event != 'checkpoint' AND error != {digest_only:String}
            AND ({table:String} = '' OR table_key = {table:String})
    ),
    latest AS
    (
        SELECT run_id FROM ours
        WHERE NOT {errors:Bool} OR event = 'failed'
        GROUP BY run_id ORDER BY max(event_time) DESC LIMIT {limit:UInt64}
    ),
    events AS
    (
        SELECT
            *,
            range_to - range_from + 1 AS length,
            event = 'cleaned' AND error = {revoked:String} AS is_revoked,
            event = 'done' AND query_id = '' AND match(sql_hash, '^(sources|inputs)-') AS is_mark
        FROM ours WHERE run_id IN (SELECT run_id FROM latest)
        LIMIT 1 BY table_key, epoch, seq
    ),
    parts AS
    (
        SELECT
            run_id,
            table_key,
            min(event_time) AS first_time,
            max(event_time) AS last_time,
            argMax((toString(target_uuid), epoch), (epoch, seq)) AS last_part,
            countIf(event = 'done' AND NOT is_mark) AS tries_done,
            countIf(event = 'failed') AS tries_failed,
            greatest(0, uniqExactIf(query_id, event = 'started')
                - uniqExactIf(query_id, event IN ('done', 'failed') AND query_id != '')) AS tries_open,
            sumIf(length, event = 'done' AND NOT is_mark) AS blocks_done,
            sumIf(rows_read, event = 'done') AS read,
            sumIf(rows_written, event = 'done') AS written,
            sumIf(length, event = 'accepted') AS accepted,
            sumIf(length, is_revoked) AS revoked,
            sumIf(length, event = 'cleaned' AND NOT is_revoked) AS cleaned,
            sumIf(length, event = 'invalidated') AS invalidated,
            sumIf(length, is_mark) AS marked,
            countIf(event = 'failed' AND error_code IN (394, 236)) AS tries_ended, -- QUERY_WAS_CANCELLED, ABORTED
            argMaxIf(events.error, event_time, event = 'failed') AS last_error,
            maxIf(event_time, event = 'failed') AS error_time,
            -- A failed range was fixed if the chunks done after it have all its blocks: no block is done twice in a run.
            -- Only chunks between the first and the last failed block count.
            arrayFilter(
                done -> done.2 >= minIf(range_from, event = 'failed') AND done.1 <= maxIf(range_to, event = 'failed'),
                groupArrayIf((range_from, range_to, (epoch, seq)), event = 'done')) AS fixes,
            arrayCount(
                failed -> arraySum(
                    done -> if(done.3 > failed.3, greatest(
                        0, toInt64(least(done.2, failed.2)) - toInt64(greatest(done.1, failed.1)) + 1), 0),
                    fixes) < failed.2 - failed.1 + 1,
                groupArrayIf((range_from, range_to, (epoch, seq)), event = 'failed')) AS ranges_failed,
            any(events.user) AS by_user,
            any(events.host) AS on_host,
            any(events.tool_version) AS with_version
        FROM events GROUP BY run_id, table_key
    )
SELECT
    run_id,
    concat(replaceOne(toString(toDateTime64(min(first_time), 3, 'UTC')), ' ', 'T'), 'Z') AS started,
    concat(replaceOne(toString(toDateTime64(max(last_time), 3, 'UTC')), ' ', 'T'), 'Z') AS ended,
    -- `present`: the events are of the table as it is, not of a dropped table of that name.
    arraySort(one -> one.1, groupArray(CAST(
        (table_key, {present:Map(String, String)}[table_key] = last_part.1), 'Tuple(table String, present Bool)'))) AS tables,
    sum(tries_done) AS chunks_done,
    sum(tries_failed) AS chunks_failed,
    sum(tries_open) AS chunks_open,
    sum(blocks_done) AS blocks,
    sum(read) AS rows_read,
    sum(written) AS rows_written,
    multiIf(
        -- Between two chunks, too: its lock is held still.
        max({held:Map(String, UInt64)}[table_key] = last_part.2), 'in progress',
        sum(ranges_failed) > 0 AND sum(tries_failed) > sum(tries_ended), 'failed',
        chunks_open > 0 OR sum(ranges_failed) > 0, 'interrupted',
        'done') AS outcome,
    sum(accepted) AS accepted_blocks,
    sum(revoked) AS revoked_blocks,
    sum(cleaned) AS cleaned_blocks,
    sum(invalidated) AS invalidated_blocks,
    sum(marked) AS marked_stale_blocks,
    any(by_user) AS user,
    any(on_host) AS host,
    any(with_version) AS tool_version,
    nullIf(argMax(last_error, error_time), '') AS error
FROM parts
GROUP BY run_id
ORDER BY max(last_time) DESC, run_id
