-- backfill.attempts: every attempt at a chunk, and every event that belongs to no attempt. Needs SELECT on the ledger's
-- database alone. An event that was sent twice, after a lost answer, counts once.
--
-- outcome  done, failed, open (it began and has not ended: it runs, or it was killed), cleaned, invalidated, accepted
-- attempt  which try of the range in its run, from 1; 0 if the event belongs to no attempt
CREATE OR REPLACE VIEW backfill.attempts AS
SELECT
    network,
    table_key,
    target_uuid,
    run_id,
    if(query_id = '', toString((epoch, seq)), query_id) AS id,
    argMax(ledger.range_from, (epoch, seq)) AS range_from,
    argMax(ledger.range_to, (epoch, seq)) AS range_to,
    argMax(if(event = 'started', 'open', toString(event)), (epoch, seq)) AS outcome,
    argMax(ledger.attempt, (epoch, seq)) AS attempt,
    min(event_time) AS started,
    max(event_time) AS ended,
    argMax(ledger.elapsed_ms, (epoch, seq)) AS elapsed_ms,
    argMax(ledger.rows_read, (epoch, seq)) AS rows_read,
    argMax(ledger.rows_written, (epoch, seq)) AS rows_written,
    argMax(ledger.peak_memory, (epoch, seq)) AS peak_memory,
    argMax(ledger.error_code, (epoch, seq)) AS error_code,
    argMax(ledger.error, (epoch, seq)) AS error,
    argMax(ledger.sql_hash, (epoch, seq)) AS sql_hash,
    argMax(ledger.user, (epoch, seq)) AS user,
    argMax(ledger.host, (epoch, seq)) AS host,
    argMax(ledger.tool_version, (epoch, seq)) AS tool_version,
    max((epoch, seq)) AS position
FROM backfill.ledger
WHERE event != 'checkpoint' AND ledger.error != 'digest only' -- of rows that were there before
GROUP BY network, table_key, target_uuid, run_id, id
