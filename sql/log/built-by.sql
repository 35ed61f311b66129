-- The latest event that made a block done, of each of the tables in `uuids`. An event without a query only marks what an
-- earlier one has built.
SELECT
    table_key AS table,
    tupleElement(last, 1) AS run,
    tupleElement(last, 2) AS sqlHash,
    tupleElement(last, 3) AS at,
    tupleElement(last, 4) AS `by`
FROM
(
    SELECT table_key, argMax(
        (run_id, toString(sql_hash), formatDateTime(event_time, '%Y-%m-%dT%H:%i:%SZ'), concat(user, '@', host)),
        (query_id != '', epoch, seq)) AS last
    FROM {ledger:Identifier}.ledger
    WHERE network = {network:String} AND event IN ('done', 'accepted')
        AND range_from <= {block:UInt64} AND range_to >= {block:UInt64}
        AND {uuids:Map(String, String)}[table_key] = toString(target_uuid)
    GROUP BY table_key
)
