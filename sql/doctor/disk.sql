--! group: Storage
--! server: each node
--! ok: no local disk holds derived tables
-- Do the disks with derived tables or the ledger have enough free space? Without such tables: the default disk.
--   fail  the disk is broken, or less than 1 GiB is free (small disks: less than a twentieth): INSERTs and merges fail
--   warn  less is free than the biggest table takes, so a rebuild or a merge of all its parts does not fit;
--         or less than a twentieth of the disk is free
-- Space that running merges have reserved does not count as free.
WITH
    sizes AS (
        SELECT concat(database, '.', table) AS name, sum(bytes_on_disk) AS bytes
        FROM system.parts
        WHERE active AND has({tables:Array(String)}, concat(database, '.', table))
        GROUP BY name
    ),
    disks AS (
        SELECT
            name, unreserved_space AS free, total_space AS total, is_broken,
            (SELECT max(bytes) FROM sizes) AS biggest,
            (SELECT argMax(name, bytes) FROM sizes) AS biggest_name,
            (SELECT sum(bytes) FROM sizes) AS taken
        FROM system.disks
        WHERE NOT is_remote AND (name = 'default' OR name IN (
            SELECT disk_name FROM system.parts
            WHERE active AND has({tables:Array(String)}, concat(database, '.', table))))
    )
SELECT
    multiIf(
        is_broken OR free < least(1073741824, total / 20), 'fail',
        free < biggest OR free < total / 20, 'warn',
        'ok') AS status,
    concat('disk ', name) AS subject,
    if(is_broken, 'is broken', concat(formatReadableSize(free), ' of ', formatReadableSize(total), ' free', multiIf(
        status = 'fail', ': INSERTs and merges fail',
        free < biggest, concat(', less than ', biggest_name, ' takes (', formatReadableSize(biggest), '): a rebuild or a merge of it does not fit'),
        status = 'warn', ', less than a twentieth',
        concat('; derived tables and ledger take ', formatReadableSize(taken))))) AS finding,
    multiIf(
        status = 'ok', '',
        is_broken, concat('SELECT * FROM system.disks WHERE name = \'', name, '\''),
        'Free or add disk space; the tables by size: SELECT database, table, formatReadableSize(sum(bytes_on_disk)) FROM system.parts WHERE active GROUP BY ALL ORDER BY sum(bytes_on_disk) DESC') AS hint
FROM disks
ORDER BY name
