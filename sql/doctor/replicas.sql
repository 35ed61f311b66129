--! group: Cluster
--! server: each node
--! ok: no replicated table is read-only or late
-- Are replicated derived tables, ledger tables and lock tables writable, and do they keep up, and the sources, too?
--   fail  read-only, but for sources: the session with Keeper has ended, or the metadata in Keeper is lost
--   warn  a minute behind the other replicas: of a source, such a replica gives no answer
WITH concat('`', database, '`.`', table, '`') AS name
SELECT
    if(is_readonly AND database IN ({target:String}, {ledger:String}, {locks:String}), 'fail', 'warn') AS status,
    concat(database, '.', table) AS subject,
    if(is_readonly,
        concat('is read-only', if(zookeeper_exception = '', '', concat(': ', splitByChar('\n', zookeeper_exception)[1]))),
        concat('is ', absolute_delay, ' s behind')) AS finding,
    if(is_readonly,
        concat('SYSTEM RESTART REPLICA ', name, '; if it stays read-only, its metadata in Keeper is lost: SYSTEM RESTORE REPLICA ', name),
        concat('SYSTEM SYNC REPLICA ', name)) AS hint
FROM system.replicas
WHERE database IN ({source:String}, {target:String}, {ledger:String}, {locks:String}) AND (is_readonly OR absolute_delay >= 60)
ORDER BY status, subject
