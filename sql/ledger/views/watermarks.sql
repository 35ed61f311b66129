-- backfill.watermarks: one row for each table. Needs backfill.ranges, and SELECT on the ledger's database alone.
-- The head, and so what is expected and missing, is not in the ledger: `backfill status --json` says it.
--
-- first_block  the first done or accepted block
-- watermark    the end of the unbroken run of done and accepted blocks from there on: readers may trust the table up to here
CREATE OR REPLACE VIEW backfill.watermarks AS
WITH
    covered AS
    (
        SELECT *, if(state IN ('done', 'accepted'), blocks, 0) AS covered_blocks FROM backfill.ranges
    ),
    runs AS
    (
        SELECT *, range_from - ifNull(sum(covered_blocks) OVER (PARTITION BY network, table_key, target_uuid ORDER BY range_from
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS gap_before
        FROM covered
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
    sumIf(blocks, state = 'done' AND reason != '') AS stale_blocks,
    sumIf(blocks, state IN ('dirty', 'invalidated')) AS dirty_blocks
FROM
(
    SELECT *, minIf(gap_before, covered_blocks > 0) OVER (PARTITION BY network, table_key, target_uuid) AS first_gap FROM runs
)
GROUP BY network, table_key, target_uuid
