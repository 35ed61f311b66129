--! description: Rows of {{names}}, per {{unit}}
--! target: int_{{key}}
{{reads}}
--! rows: per-block{{position}}

-- One SELECT that computes the {{unit}}s from {{from}} to {{to}}, both included. The runner adds
-- the INSERT and matches columns by name. Name every table that you read in the header above.
SELECT
    -- An INSERT narrows types silently, so cast explicitly where the value is known to fit.
    {{value}} AS {{own}},
    toUInt32(count()) AS row_count
FROM
(
    -- {{final}}A new name ({{unit}}), because an alias hides the column.
{{inputs}}
)
GROUP BY {{unit}}
