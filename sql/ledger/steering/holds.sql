-- The newest pause and the newest limit of each table, unless its time is over or a later row resumes.
WITH (SELECT groupArray((toString(table_key), number)) FROM {ledger:Identifier}.steering
  WHERE network = {network:String} AND action = 'resume') AS resumed
SELECT action, `table`, spares, jobs, by, host, since, formatDateTime(ends, '%Y-%m-%dT%H:%i:%SZ') AS until
FROM (
  SELECT toString(action) AS action, toString(table_key) AS `table`, number, jobs, until AS ends, host,
    if(person = '', user, person) AS by, formatDateTime(set_at, '%Y-%m-%dT%H:%i:%SZ') AS since,
    arrayFilter(one -> one.2 > number, resumed) AS later,
    if(`table` = '', arrayDistinct(later.1), []) AS spares
  FROM {ledger:Identifier}.steering AS given
  WHERE network = {network:String} AND given.action != 'resume'
  ORDER BY number DESC LIMIT 1 BY action, `table`
)
WHERE (ends IS NULL OR ends > now()) AND NOT has(later.1, '') AND (`table` = '' OR NOT has(later.1, `table`))
ORDER BY action DESC, `table`
