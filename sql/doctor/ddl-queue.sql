--! group: Cluster
--! server: keeper
--! ok: every node has run all statements ON CLUSTER
-- Has a node not run a statement ON CLUSTER for a minute? Then it is down or busy with an earlier statement: tables may
-- be missing there, and the next statement ON CLUSTER also waits.
WITH queue AS (
    SELECT entry, query, query_create_time, concat(host, ':', port) AS node
    FROM system.distributed_ddl_queue
    WHERE cluster = {cluster:String} AND status IN ('Inactive', 'Active', 'Unknown') AND query_create_time < now() - 60
    ORDER BY query_create_time
    LIMIT 1 BY node
)
SELECT
    'warn' AS status,
    node AS subject,
    concat('has not run ', entry, ' for ', dateDiff('second', query_create_time, now()), ' s: ', substring(query, 1, 100)) AS finding,
    concat('SELECT * FROM system.distributed_ddl_queue WHERE entry = \'', entry, '\'') AS hint
FROM queue
ORDER BY query_create_time
