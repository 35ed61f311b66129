--! group: Cluster
--! server: cluster
--! ok: the target has a session with Keeper
-- Does the target have Keeper (or ZooKeeper)? Without it there are no ON CLUSTER and no Replicated tables.
-- system.zookeeper exists only on a server with Keeper in its configuration.
WITH
    (SELECT count() FROM system.tables WHERE database = 'system' AND name = 'zookeeper') AS configured,
    (SELECT max(value) FROM system.metrics WHERE metric = 'ZooKeeperSession') AS sessions
SELECT
    if(configured = 0, 'warn', 'fail') AS status,
    {cluster:String} AS subject,
    if(configured = 0, 'no Keeper is configured: no ON CLUSTER, no Replicated tables', 'the target has no session with Keeper') AS finding,
    if(configured = 0, 'Add <zookeeper> to the configuration of the servers', 'SELECT * FROM system.zookeeper WHERE path = \'/\'') AS hint
FROM system.one
WHERE configured = 0 OR sessions = 0
