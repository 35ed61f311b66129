-- backfill.runs: every run, with what it did. Needs backfill.attempts, and SELECT on the ledger's database alone.
--
-- outcome  failed: blocks of a table failed and were not done later in the run; interrupted: Ctrl-C ended it, or attempts have not ended and
--          another run has the table since; open: attempts have not ended, so it is in progress, or interrupted: only its lock says which
--          (`backfill log`); out of time: --max-runtime ended it; locked: the lock of another run did; else done
-- A run without an event found a lock, or was held back until its end: nothing is known of it but that.
CREATE OR REPLACE VIEW backfill.runs AS
WITH ends AS
(
    SELECT network, toString(run_id) AS run_id, says, reason, tables AS of_tables, user, host, tool_version, said_at FROM backfill.run_reports FINAL
    WHERE says IN ('interrupted', 'out of time', 'locked')
),
parts AS
(
    SELECT
        network,
        run_id,
        table_key,
        min(attempts.started) AS first_time,
        max(attempts.ended) AS last_time,
        countIf(outcome = 'done') AS tries_done,
        countIf(outcome = 'failed') AS tries_failed,
        countIf(outcome = 'open') AS tries_open,
        max(position.1) < max(max(position.1)) OVER (PARTITION BY network, table_key) AS is_over,
        sumIf(range_to - range_from + 1, outcome = 'done') AS blocks_done,
        sumIf(attempts.rows_read, outcome = 'done') AS read,
        sumIf(attempts.rows_written, outcome = 'done') AS written,
        argMaxIf(attempts.error, position, outcome = 'failed') AS last_error,
        groupArrayIf((range_from, range_to, position), outcome = 'done') AS fixes,
        -- A failed range was fixed if the chunks done after it have all its blocks: no block is done twice in a run.
        arrayCount(
            failed -> arraySum(
                done -> if(done.3 > failed.3, greatest(
                    0, toInt64(least(done.2, failed.2)) - toInt64(greatest(done.1, failed.1)) + 1), 0),
                fixes) < failed.2 - failed.1 + 1,
            groupArrayIf((range_from, range_to, position), outcome = 'failed')) AS ranges_failed,
        any(attempts.user) AS by_user,
        any(attempts.host) AS on_host,
        any(attempts.tool_version) AS with_version
    FROM backfill.attempts
    GROUP BY network, run_id, table_key
)
SELECT
    network,
    run_id,
    min(first_time) AS started,
    max(last_time) AS ended,
    groupUniqArray(table_key) AS tables,
    sum(tries_done) AS chunks_done,
    sum(tries_failed) AS chunks_failed,
    sum(tries_open) AS chunks_open,
    sum(blocks_done) AS blocks,
    sum(read) AS rows_read,
    sum(written) AS rows_written,
    multiIf(
        sum(ranges_failed) > 0, 'failed',
        sumIf(tries_open, is_over) > 0, 'interrupted',
        any(says) != '', any(says),
        chunks_open > 0, 'open',
        'done') AS outcome,
    anyIf(last_error, last_error != '') AS error,
    any(by_user) AS user,
    any(on_host) AS host,
    any(with_version) AS tool_version
FROM parts
LEFT JOIN (SELECT network, run_id, says FROM ends) AS ends USING (network, run_id)
GROUP BY network, run_id
UNION ALL
SELECT network, run_id, said_at, said_at, of_tables, 0, 0, 0, 0, 0, 0, says, reason, user, host, tool_version
FROM ends
WHERE (network, run_id) NOT IN (SELECT network, run_id FROM backfill.attempts)
