--! description: Effective self-destructs before EIP-6780 (Dencun): each of them deleted the account
--! target: int_pre_6780_accounts_destructs
--! sources: canonical_execution_traces, canonical_execution_transaction
--! blocks: ..dencun-1
--! rows: per-block

WITH
    succeeded AS (
        SELECT block_number AS block, transaction_index AS tx
        FROM {source:Identifier}.canonical_execution_transaction FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND success
    ),
    -- Self-destructs and failed calls: all that decides whether a self-destruct took effect.
    -- A path ends each step with '_' and the root's is empty, so that one call lies within another exactly
    -- if its path starts with the other's: '1_0_' within '1_', but not '10_'.
    traced AS (
        SELECT
            block_number AS block,
            transaction_index AS tx,
            lower(transaction_hash) AS hash,
            ifNull(concat(nullIf(trace_address, ''), '_'), '') AS path,
            action_type = 'suicide' AS is_destruct,
            ifNull(error, '') != '' AS is_failed,
            lower(action_from) AS account,
            lower(ifNull(action_to, '')) AS heir,
            action_value = 0 AS is_empty
        FROM {source:Identifier}.canonical_execution_traces FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND block_number < {dencun:UInt64}
          AND (action_type = 'suicide' OR ifNull(error, '') != '')
    ),
    by_transaction AS (
        SELECT
            block, tx, hash,
            groupArrayIf((path, account, heir, is_empty), is_destruct) AS destructs,
            groupArrayIf(path, is_failed) AS failed_paths
        FROM traced
        WHERE (block, tx) IN (SELECT block, tx FROM succeeded)
        GROUP BY block, tx, hash
    ),
    effective AS (
        -- Neither the self-destruct itself nor a call around it failed: a reverted call undoes what lies within it.
        SELECT block, tx, hash, destruct.2 AS account, destruct.3 AS heir, destruct.4 AS is_empty
        FROM by_transaction
        ARRAY JOIN destructs AS destruct
        WHERE NOT arrayExists(failed_path -> startsWith(destruct.1, failed_path), failed_paths)
    )
-- Before EIP-161 (Spurious Dragon) a self-destruct without balance counts for its heir, too.
SELECT DISTINCT
    arrayJoin(if(is_empty AND heir != '' AND block < {spurious_dragon:UInt64}, [account, heir], [account])) AS address,
    toUInt32(block) AS block_number,
    hash AS transaction_hash,
    toUInt64(tx) AS transaction_index
FROM effective
