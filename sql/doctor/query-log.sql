--! group: Rights
--! server: target
--! ok: the outcome of a chunk whose response was lost can be looked up
-- May the user read system.query_log? If the response of an INSERT is lost, a run looks up its outcome there.
-- system.tables lists only tables that the user may read. A user who sees system.events may read all of system: a table
-- that such a user does not see does not exist on this server.
WITH visible AS (SELECT name FROM system.tables WHERE database = 'system')
SELECT
    'warn' AS status,
    'system.query_log' AS subject,
    concat('user \'', currentUser(), '\' may not read it: a chunk whose answer is lost runs again') AS finding,
    concat('GRANT SELECT ON system.query_log TO `', replaceAll(currentUser(), '`', '``'), '`') AS hint
FROM system.one
WHERE 'query_log' NOT IN visible AND 'events' NOT IN visible
