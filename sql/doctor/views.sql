--! group: Tables
--! server: each node
--! ok: no materialized view reads a derived table
-- A materialized view takes every row that is inserted, once more when a range is built again, and loses none when rows
-- are deleted: redo, recovery and rebuild make what it holds another thing than what the table holds.
SELECT
    'warn' AS status,
    concat(database, '.', name) AS subject,
    concat('the materialized view ', arrayStringConcat(arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table), ', '),
        ' reads it: rows that redo, recovery or rebuild replace arrive there twice, or stay') AS finding,
    'Make it a plain view, or a refreshable one (REFRESH EVERY …), or build it again after each redo and rebuild' AS hint
FROM system.tables
WHERE has({tables:Array(String)}, concat(database, '.', name)) AND notEmpty(dependencies_table)
ORDER BY subject
