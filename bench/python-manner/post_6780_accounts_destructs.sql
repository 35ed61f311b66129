INSERT INTO {target:Identifier}.int_post_6780_accounts_destructs
    (address, block_number, transaction_hash, transaction_index, is_same_tx)
WITH
    destructs AS (
        SELECT lower(transaction_hash) AS hash, ifNull(concat(nullIf(trace_address, ''), '_'), '') AS path, block_number, transaction_index,
            lower(action_from) AS account, lower(ifNull(action_to, '')) AS heir, action_value
        FROM {source:Identifier}.canonical_execution_traces FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND block_number >= {dencun:UInt64}
          AND action_type = 'suicide'
    ),
    failed AS (
        SELECT lower(transaction_hash) AS hash, ifNull(concat(nullIf(trace_address, ''), '_'), '') AS path
        FROM {source:Identifier}.canonical_execution_traces FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND block_number >= {dencun:UInt64}
          AND ifNull(error, '') != ''
    ),
    effective AS (
        SELECT *
        FROM destructs
        INNER JOIN (
            SELECT lower(transaction_hash) AS hash
            FROM {source:Identifier}.canonical_execution_transaction FINAL
            WHERE meta_network_name = {network:String}
              AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
              AND success
        ) AS t USING (hash)
        WHERE (hash, path) NOT IN (
            SELECT d.hash, d.path FROM destructs AS d INNER JOIN failed AS f ON d.hash = f.hash WHERE startsWith(d.path, f.path))
    )
SELECT DISTINCT e.account, toUInt32(e.block_number), e.hash, e.transaction_index, c.account != ''
FROM effective AS e
LEFT JOIN (
    SELECT DISTINCT lower(transaction_hash) AS hash, lower(contract_address) AS account
    FROM {source:Identifier}.canonical_execution_contracts FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
) AS c ON c.hash = e.hash AND c.account = e.account
