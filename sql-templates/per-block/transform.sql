--! description: Rows of {{names}}, per block
--! target: int_{{key}}
{{reads}}
--! rows: per-block

-- One SELECT that computes the blocks from {from_block:UInt64} to {to_block:UInt64}, both included. The runner puts
-- the INSERT around it and matches columns by name. Every table that is read is named in the header above.
SELECT
    -- An INSERT would narrow silently, so it is done by hand where the value is known to fit.
    toUInt32(block) AS block_number,
    toUInt32(count()) AS row_count
FROM
(
    -- FINAL, because rows can be written again. Names of their own (block), because an alias hides a column.
{{inputs}}
)
GROUP BY block
