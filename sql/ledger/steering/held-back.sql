-- The tables of runs that something holds back now which only they know: one row for each table, of the run that said so last.
SELECT says AS action, arrayJoin(tables) AS `table`, CAST([], 'Array(String)') AS spares, 0 AS jobs, if(person = '', user, person) AS by, host,
  formatDateTime(said_at, '%Y-%m-%dT%H:%i:%SZ') AS since, NULL AS until, reason AS found
FROM {ledger:Identifier}.run_reports FINAL
WHERE network = {network:String} AND says IN ('load', 'disk', 'unreachable') AND said_at > now() - INTERVAL 90 SECOND
ORDER BY said_at DESC LIMIT 1 BY `table`
