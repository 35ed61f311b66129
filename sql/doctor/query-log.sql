--! group: Rights
--! server: target
--! ok: what became of a chunk whose answer was lost can be looked up
-- May the user read system.query_log? If the answer of an INSERT is lost, a run looks up its outcome there.
-- system.tables lists only what a user may read. A user who sees system.events may read all of system: what such a
-- user does not see, this server does not have.
WITH visible AS (SELECT name FROM system.tables WHERE database = 'system')
SELECT
    'warn' AS status,
    'system.query_log' AS subject,
    concat('user \'', currentUser(), '\' may not read it: a chunk whose answer is lost runs again') AS finding,
    concat('GRANT SELECT ON system.query_log TO `', replaceAll(currentUser(), '`', '``'), '`') AS hint
FROM system.one
WHERE 'query_log' NOT IN visible AND 'events' NOT IN visible
