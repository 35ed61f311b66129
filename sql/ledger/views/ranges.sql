-- backfill.ranges: what the ledger says of every block, as disjoint ranges. One row for each range of one state and one SQL.
-- Needs SELECT on the ledger's database alone. How it works: docs/architecture.md, "Fold". A test compares it with the program's.
--
-- state   done, accepted, dirty (an attempt began and did not end well), invalidated (its rows are to be deleted)
-- reason  of a done range: '' or why it is stale as far as the ledger itself knows: mixed, sources, inputs
-- Several target_uuid of one table: it was dropped, or rebuilt. `SELECT uuid FROM system.tables` says which one exists.
CREATE OR REPLACE VIEW backfill.ranges AS
WITH
    -- From the last checkpoint on; it holds the islands of everything before it.
    events AS
    (
        SELECT *, (epoch, seq) AS position,
            max(if(event = 'checkpoint', (epoch, seq), (toUInt64(0), toUInt64(0))))
                OVER (PARTITION BY network, table_key, target_uuid) AS since
        FROM backfill.ledger
    ),
    layers AS
    (
        SELECT network, table_key, target_uuid, position,
            arrayJoin(if(event = 'checkpoint',
                CAST(islands, 'Array(Tuple(UInt64, UInt64, String, String, String, String))'),
                [(range_from, range_to, if(event IN ('started', 'failed'), 'dirty', toString(event)), toString(sql_hash),
                    if(event = 'done', toString(forks), ''), if(event = 'done', inputs, ''))])) AS layer
        FROM events WHERE position >= since
    ),
    -- The latest event of each exact range overrides the earlier ones.
    latest AS
    (
        SELECT network, table_key, target_uuid, layer.1 AS low, layer.2 AS high, max(layers.position) AS position,
            argMax((layer.3, layer.4, layer.5, layer.6), layers.position) AS paint
        FROM layers GROUP BY network, table_key, target_uuid, low, high
    ),
    marked AS
    (
        SELECT *,
            max(high) OVER (PARTITION BY network, table_key, target_uuid ORDER BY low, high
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= low
            OR leadInFrame(low, 1, toUInt64(9007199254740991)) OVER (PARTITION BY network, table_key, target_uuid ORDER BY low, high
                ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) <= high AS overlaps
        FROM latest
    ),
    -- A range that overlaps no other is one node (98). Others are cut into dyadic intervals, [n * 2^k, (n + 1) * 2^k): the
    -- latest event over a block is the latest over the 54 intervals in which the block lies. 99: the point after a range.
    nodes AS
    (
        SELECT network, table_key, target_uuid, maxIf(position, isNull(asked)) AS latest_position, argMaxIf(paint, position, isNull(asked)) AS last_paint,
            groupUniqArray(asked) AS points
        FROM
        (
            SELECT network, table_key, target_uuid, position, paint, arrayJoin(if(overlaps, arrayConcat(
                arrayMap(node -> (node, NULL), arrayFlatten(arrayMap(k -> arrayConcat(
                    if(bitShiftRight(toUInt64(low + bitShiftLeft(toUInt64(1), k) - 1), k) < bitShiftRight(high + 1, k)
                        AND bitShiftRight(toUInt64(low + bitShiftLeft(toUInt64(1), k) - 1), k) % 2 = 1,
                        [(k, bitShiftRight(toUInt64(low + bitShiftLeft(toUInt64(1), k) - 1), k))], []),
                    if(bitShiftRight(toUInt64(low + bitShiftLeft(toUInt64(1), k) - 1), k) < bitShiftRight(high + 1, k)
                        AND bitShiftRight(high + 1, k) % 2 = 1,
                        [(k, toUInt64(bitShiftRight(high + 1, k) - 1))], [])), range(toUInt8(54))))),
                arrayMap(k -> ((k, bitShiftRight(low, k)), toNullable(low)), range(toUInt8(54))),
                arrayMap(k -> ((k, bitShiftRight(high + 1, k)), toNullable(high + 1)), range(toUInt8(54)))),
                [((toUInt8(98), low), NULL), ((toUInt8(98), low), low), ((toUInt8(99), high + 1), high + 1)]
            )) AS asking, asking.1 AS node, asking.2 AS asked
            FROM marked
        )
        GROUP BY network, table_key, target_uuid, node
    ),
    states AS
    (
        SELECT network, table_key, target_uuid, block, argMax(last_paint, latest_position) AS paint
        FROM nodes ARRAY JOIN points AS block
        GROUP BY network, table_key, target_uuid, block
    ),
    -- Where the state changes; it holds up to the next change, and the last change is to no state.
    changes AS
    (
        SELECT network, table_key, target_uuid, arraySort(groupArray((block, paint))) AS points,
            arrayFilter((point, before) -> point.2 != before, points, arrayShiftRight(points.2, 1)) AS changed
        FROM states
        GROUP BY network, table_key, target_uuid
    )
SELECT
    network,
    table_key,
    target_uuid,
    range_from,
    next - 1 AS range_to,
    range_to - range_from + 1 AS blocks,
    paint.1 AS state,
    extract(paint.2, '^(mixed|sources|inputs)-') AS reason,
    replaceRegexpOne(paint.2, '^(mixed|sources|inputs)-', '') AS sql_hash,
    paint.3 AS forks,
    paint.4 AS inputs
FROM changes
ARRAY JOIN changed.1 AS range_from, arrayShiftLeft(changed.1, 1) AS next, changed.2 AS paint
WHERE state NOT IN ('', 'cleaned')
