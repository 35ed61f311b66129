-- The state of every block by the latest range that covers it, in the order of positions. `painters`: table_key, low, high,
-- position and color, any tuple whose first part is '' for blocks without an event.
--
-- A range that overlaps no other (nearly all) is one node. Ranges that overlap are split into dyadic intervals: a range is
-- at most 108 intervals [n * 2^k, (n + 1) * 2^k), a block lies in 54 of them, and the latest event of a block is the latest
-- of these. So the query takes O(n log n), one pass and no join, however the ranges overlap. backfill.ranges does the same.
WITH
    -- The latest event of each exact range overrides the earlier ones.
    ranges AS
    (
        SELECT table_key, low AS range_from, high AS range_to, max(painters.position) AS position,
            argMax(color, painters.position) AS paint
        FROM painters
        GROUP BY table_key, low, high
    ),
    marked AS
    (
        SELECT *,
            max(range_to) OVER (PARTITION BY table_key ORDER BY range_from, range_to
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= range_from
            OR leadInFrame(range_from, 1, toUInt64(9007199254740991)) OVER (PARTITION BY table_key ORDER BY range_from, range_to
                ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) <= range_to AS is_crossed
        FROM ranges
    ),
    -- Levels of nodes: 0 to 53 are dyadic, 98 is a range that overlaps no other, 99 is the point after it.
    -- Both ends of every range are points; the state of a point is the latest of all nodes that contain it. The server
    -- copies what an alias stands for: `asking`, used three times in one SELECT, would cost a third of the whole query.
    nodes AS
    (
        SELECT table_key, maxIf(position, isNull(asked)) AS latest, argMaxIf(paint, position, isNull(asked)) AS latest_paint,
            groupUniqArray(asked) AS points
        FROM
        (
            SELECT table_key, position, paint, asking.1 AS node, asking.2 AS asked
            FROM
            (
                SELECT table_key, position, paint, arrayJoin(if(is_crossed, arrayConcat(
                    -- The smallest set of nodes that makes up a range: at each level the odd left end and the odd right end of the
                    -- rest, as in a bottom-up segment tree. `low` and `high` are its ends in nodes of level k, rounded inwards.
                    arrayMap(node -> (node, NULL), arrayFlatten(arrayMap(
                        (k, low, high) -> arrayConcat(
                            if(low < high AND low % 2 = 1, [(k, low)], []),
                            if(low < high AND high % 2 = 1, [(k, toUInt64(high - 1))], [])),
                        range(toUInt8(54)),
                        arrayMap(k -> bitShiftRight(toUInt64(range_from + bitShiftLeft(toUInt64(1), k) - 1), k), range(toUInt8(54))),
                        arrayMap(k -> bitShiftRight(range_to + 1, k), range(toUInt8(54)))))),
                    -- The nodes in which its ends lie.
                    arrayMap(k -> ((k, bitShiftRight(range_from, k)), toNullable(range_from)), range(toUInt8(54))),
                    arrayMap(k -> ((k, bitShiftRight(range_to + 1, k)), toNullable(range_to + 1)), range(toUInt8(54)))),
                    [((toUInt8(98), range_from), NULL), ((toUInt8(98), range_from), range_from), ((toUInt8(99), range_to + 1), range_to + 1)]
                )) AS asking
                FROM marked
            )
        )
        GROUP BY table_key, node
    ),
    states AS
    (
        SELECT table_key, block, argMax(latest_paint, latest) AS paint
        FROM nodes ARRAY JOIN points AS block
        GROUP BY table_key, block
    ),
    -- Where the state changes. Arrays in place of window functions: the server analyses the whole query in two thirds of the time.
    changes AS
    (
        SELECT table_key, arraySort(groupArray((block, paint))) AS points,
            arrayFilter((point, before) -> point.2 != before, points, arrayShiftRight(points.2, 1)) AS changed
        FROM states
        GROUP BY table_key
    )
-- A state holds up to the next change; the last change is to no state.
SELECT table_key, range_from, next - 1 AS range_to, paint
FROM changes
ARRAY JOIN changed.1 AS range_from, arrayShiftLeft(changed.1, 1) AS next, changed.2 AS paint
WHERE paint.1 != ''
