--! group: Cluster
--! server: cluster
--! ok: the cluster has no nodes
--! outside: clusterAllReplicas
-- Do all nodes of the cluster answer the target, now and recently?
--   fail  a node does not answer now, or a shard has more replicas than another: what is written is not on all of them when it counts as done
--   warn  a connection to a node failed recently, by the server's count (errors_count, halved every minute)
WITH
    nodes AS (
        SELECT
            host_name, port, shard_num, errors_count, count() OVER (PARTITION BY shard_num) AS replicas, row_number() OVER (ORDER BY shard_num, replica_num) AS place,
            concat('replica ', replica_num, ' of shard ', shard_num, ' (', host_name, ':', port, ')') AS name
        FROM system.clusters WHERE cluster = {cluster:String}
    ),
    answers AS (
        SELECT groupArray(_shard_num) AS answering FROM clusterAllReplicas({cluster:String}, view(SELECT 1 AS one))
        SETTINGS skip_unavailable_shards = 1
    )
SELECT
    multiIf(max(NOT has(answering, place)) OR min(replicas) != max(replicas), 'fail', max(errors_count) > 0, 'warn', 'ok') AS status,
    {cluster:String} AS subject,
    concat(uniqExact(shard_num), ' shards, ', count(), ' nodes, ', multiIf(
        min(replicas) != max(replicas), concat('with ', min(replicas), ' to ', max(replicas), ' replicas a shard'),
        status = 'fail', concat('of which ', countIf(has(answering, place)), ' answer; not ', arrayStringConcat(arraySort(groupArrayIf(name, NOT has(answering, place))), ', ')),
        concat('all answer', if(status = 'ok', '', concat('; not always lately: ',
            arrayStringConcat(groupArrayIf(4)(concat(host_name, ':', port), errors_count > 0), ', ')))))) AS finding,
    multiIf(
        status = 'ok', '',
        min(replicas) != max(replicas), 'List as many replicas for each shard in <remote_servers> of all nodes',
        concat('SELECT host_name, port, errors_count FROM system.clusters WHERE cluster = \'', {cluster:String}, '\'')) AS hint
FROM nodes
CROSS JOIN answers
HAVING count() > 0
