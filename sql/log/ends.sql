-- The latest runs that ended, but not because their work was done: how. Those that another run's lock ended may have no event.
SELECT toString(run_id) AS run_id, says, reason, arraySort(CAST(tables, 'Array(String)')) AS tables, user, host, tool_version,
  concat(replaceOne(toString(toDateTime64(said_at, 3, 'UTC')), ' ', 'T'), 'Z') AS said
FROM {ledger:Identifier}.run_reports FINAL
WHERE network = {network:String} AND says IN ('interrupted', 'out of time', 'locked')
  AND ({table:String} = '' OR has(tables, {table:String})) AND (empty({runs:Array(String)}) OR has({runs:Array(String)}, toString(run_reports.run_id)))
ORDER BY said_at DESC LIMIT {limit:UInt64}
