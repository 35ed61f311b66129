--! group: Storage
--! server: each node
--! ok: no partition has enough parts to slow down INSERTs
-- Does a partition have too many parts? The limits are the table's settings, otherwise the server's.
--   fail  at parts_to_throw_insert the server refuses INSERTs
--   warn  at parts_to_delay_insert the server slows them down; the warning starts at 80 % of that
-- Partitions with big parts are fine: the server exempts them (max_avg_part_size_for_too_many_parts).
WITH
    partitions AS (
        SELECT database, table, partition_id, count() AS parts
        FROM system.parts
        WHERE active AND has({tables:Array(String)}, concat(database, '.', table))
        GROUP BY database, table, partition_id
        HAVING avg(bytes_on_disk) < (
            SELECT max(toUInt64(value)) FROM system.merge_tree_settings WHERE name = 'max_avg_part_size_for_too_many_parts')
        ORDER BY parts DESC
        LIMIT 1 BY database, table
    ),
    limits AS (
        SELECT
            database, name AS table,
            coalesce(toUInt64OrNull(extract(engine_full, 'parts_to_delay_insert = (\\d+)')), (
                SELECT max(toUInt64(value)) FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert')) AS delay_from,
            coalesce(toUInt64OrNull(extract(engine_full, 'parts_to_throw_insert = (\\d+)')), (
                SELECT max(toUInt64(value)) FROM system.merge_tree_settings WHERE name = 'parts_to_throw_insert')) AS refuse_from
        FROM system.tables
        WHERE has({tables:Array(String)}, concat(database, '.', name))
    )
SELECT
    if(parts >= refuse_from, 'fail', 'warn') AS status,
    concat(database, '.', table) AS subject,
    concat(parts, ' parts in partition ', partition_id, ': INSERTs are ', if(parts >= refuse_from,
        concat('refused from ', refuse_from, ' on (parts_to_throw_insert)'),
        concat('slowed down from ', delay_from, ' on (parts_to_delay_insert)'))) AS finding,
    concat('OPTIMIZE TABLE `', database, '`.`', table, '` PARTITION ID \'', partition_id, '\'') AS hint
FROM partitions
INNER JOIN limits USING (database, table)
WHERE parts * 5 >= least(delay_from * 4, refuse_from * 5)
ORDER BY subject
