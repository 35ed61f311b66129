--! group: Cluster
--! server: cluster
--! ok: the cluster has no nodes
--! outside: clusterAllReplicas
-- Do all nodes of the cluster answer the target, now and recently?
--   fail  a node does not answer now
--   warn  a connection to a node failed recently, by the server's count (errors_count, halved every minute)
WITH
    nodes AS (
        SELECT host_name, port, shard_num, errors_count FROM system.clusters WHERE cluster = {cluster:String}
    ),
    answers AS (
        SELECT count() AS answering FROM clusterAllReplicas({cluster:String}, system.one) SETTINGS skip_unavailable_shards = 1
    )
SELECT
    multiIf(any(answering) < count(), 'fail', max(errors_count) > 0, 'warn', 'ok') AS status,
    {cluster:String} AS subject,
    concat(uniqExact(shard_num), ' shards, ', count(), ' nodes, ', if(status = 'fail',
        concat('of which ', any(answering), ' answer'),
        concat('all answer', if(status = 'ok', '', concat('; not always lately: ',
            arrayStringConcat(groupArrayIf(4)(concat(host_name, ':', port), errors_count > 0), ', ')))))) AS finding,
    if(status = 'ok', '', concat('SELECT host_name, port, errors_count FROM system.clusters WHERE cluster = \'', {cluster:String}, '\'')) AS hint
FROM nodes
CROSS JOIN answers
HAVING count() > 0
