-- backfill.watermarks: one row for each table. Needs backfill.ranges, and SELECT on the ledger's database alone.
--
-- first_block      the first done or accepted block
-- watermark        the end of the unbroken run of done and accepted blocks from there on: readers may trust the table up to here
-- head             the last block that the table should have; this and what follows are as the last run saw them, at seen_at
-- missing_blocks   from expected_from to head, neither done nor lacking in the sources (source_gap_blocks, incomplete_blocks)
-- stale_blocks     as far as the ledger itself knows, and what other SQL built than that of the last run, at seen_at
-- A table that has a unit of seconds counts seconds.
CREATE OR REPLACE VIEW backfill.watermarks AS
WITH
    ranges AS
    (
        SELECT network, table_key, target_uuid, toUInt64(range_from) AS range_from, toUInt64(range_to) AS range_to, toInt64(blocks) AS blocks, state, reason, sql_hash
        FROM backfill.ranges
        -- A table of which nothing is done yet has a row, too.
        UNION ALL
        SELECT network, table_key, target_uuid, toUInt64(0), toUInt64(0), toInt64(0), '', '', sql_hash FROM backfill.tables FINAL
    ),
    covered AS
    (
        SELECT ranges.*, if(state IN ('done', 'accepted'), blocks, toInt64(0)) AS covered_blocks,
            reason != '' OR sql_hash != if(seen.sql_hash = '', sql_hash, seen.sql_hash) AS is_stale,
            seen.expected_from AS low, seen.head AS high, seen.newest AS newest_seen, seen.waiting_for AS waits,
            nullIf(seen.seen_at, toDateTime64(0, 6, 'UTC')) AS at,
            CAST(seen.source_gaps, 'Array(Tuple(UInt64, UInt64))') AS gaps, CAST(seen.incomplete, 'Array(Tuple(UInt64, UInt64))') AS lacking
        FROM ranges
        LEFT JOIN (SELECT * FROM backfill.tables FINAL) AS seen USING (network, table_key, target_uuid)
    ),
    runs AS
    (
        SELECT *, range_from - ifNull(sum(covered_blocks) OVER (PARTITION BY network, table_key, target_uuid ORDER BY range_from
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS gap_before
        FROM covered
    ),
    -- Of each range, the blocks within others. An accepted block is done, though the sources lack it.
    counted AS
    (
        SELECT *, minIf(gap_before, covered_blocks > 0) OVER (PARTITION BY network, table_key, target_uuid) AS first_gap,
            arrayMap(others -> if(covered_blocks = 0, toInt64(0), arraySum(other -> greatest(
                toInt64(0), toInt64(least(range_to, other.2)) - toInt64(greatest(range_from, other.1)) + 1), others)),
                [arrayFilter(other -> high IS NOT NULL, [(assumeNotNull(low), assumeNotNull(high))]), gaps, lacking]) AS done_in
        FROM runs
    )
SELECT
    network,
    table_key,
    target_uuid,
    minOrNullIf(range_from, covered_blocks > 0) AS first_block,
    -- Within an unbroken run, blocks counted so far and the place in the chain grow alike.
    maxOrNullIf(range_to, covered_blocks > 0 AND gap_before = first_gap) AS watermark,
    sum(covered_blocks) AS done_blocks,
    sumIf(blocks, state = 'accepted') AS accepted_blocks,
    sumIf(blocks, state = 'done' AND is_stale) AS stale_blocks,
    sumIf(blocks, state IN ('dirty', 'invalidated')) AS dirty_blocks,
    any(low) AS expected_from,
    any(high) AS head,
    any(newest_seen) AS newest,
    any(arraySum(gap -> toInt64(gap.2 - gap.1 + 1), gaps)) - sum(done_in[2]) AS source_gap_blocks,
    any(arraySum(gap -> toInt64(gap.2 - gap.1 + 1), lacking)) - sum(done_in[3]) AS incomplete_blocks,
    toInt64(any(high) - any(low)) + 1 - sum(done_in[1]) - source_gap_blocks - incomplete_blocks AS missing_blocks,
    any(waits) AS waiting_for,
    any(at) AS seen_at
FROM counted
GROUP BY network, table_key, target_uuid
