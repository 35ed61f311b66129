--! description: Last block in which an address occurs in {{names}}
--! target: int_{{key}}
{{reads}}
--! rows: per-key latest block_number

-- One SELECT that computes the blocks from {from_block:UInt64} to {to_block:UInt64}, both included. The runner adds
-- the INSERT and matches columns by name. Name every table that you read in the header above.
SELECT
    account AS address,
    -- An INSERT narrows types silently, so cast explicitly where the value is known to fit.
    toUInt32(max(block)) AS block_number
FROM
(
    -- {{final}}A new name (block), because an alias hides the column.
{{inputs}}
)
GROUP BY account
