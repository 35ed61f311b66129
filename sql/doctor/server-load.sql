--! group: Rights
--! server: source
--! ok: the user may see the memory and the load of the server, and what runs there
-- May the user see the server's memory and load? Without that, a run uses fixed numbers. And what runs there?
-- system.tables lists only tables that the user may read. A user who sees system.events may read all of system: a table
-- that such a user does not see does not exist on this server.
WITH visible AS (SELECT name FROM system.tables WHERE database = 'system')
SELECT
    'warn' AS status,
    concat('system.', name) AS subject,
    concat('user \'', currentUser(), '\' may not read it: ', loses) AS finding,
    concat('GRANT SELECT ON system.', name, ' TO `', replaceAll(currentUser(), '`', '``'), '`') AS hint
FROM values('name String, loses String',
    ('server_settings', 'jobs and chunks are chosen without the memory of the server'),
    ('asynchronous_metrics', 'jobs are chosen without the load of the server'),
    ('processes', 'a connection that falls silent is noticed after 61 minutes instead of one'))
WHERE name NOT IN visible AND 'events' NOT IN visible
ORDER BY name
