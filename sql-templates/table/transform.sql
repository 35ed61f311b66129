--! description: Rows of {{names}}, per block
--! target: int_{{key}}
{{reads}}
--! rows: per-block

-- One SELECT that computes the blocks from {from_block:UInt64} to {to_block:UInt64}, both included. The runner adds
-- the INSERT and matches columns by name. Name every table that you read in the header above.
SELECT
    -- An INSERT narrows types silently, so cast explicitly where the value is known to fit.
    toUInt32(block) AS block_number,
    toUInt32(count()) AS row_count
FROM
(
    -- {{final}}A new name (block), because an alias hides the column.
{{inputs}}
)
GROUP BY block
