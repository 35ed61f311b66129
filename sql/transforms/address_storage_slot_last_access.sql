--! description: Last access of every storage slot: the value written, or read where nothing was written after
--! target: int_address_storage_slot_last_access
--! sources: canonical_execution_storage_reads, canonical_execution_storage_diffs, canonical_execution_transaction
--! shared: accesses
--! rows: per-key latest block_number

WITH
    succeeded AS (
        -- A transaction as one number: a block has far fewer than 2^20 transactions.
        SELECT block_number * 1048576 + transaction_index AS tx
        FROM {source:Identifier}.canonical_execution_transaction FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND success
    ),
    accessed AS (
        SELECT
            block_number * 1048576 + transaction_index AS tx,
            lower(contract_address) AS account, lower(slot) AS slot_key, value AS content, 0 AS is_write
        FROM {source:Identifier}.canonical_execution_storage_reads FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT
            block_number * 1048576 + transaction_index AS tx,
            lower(address) AS account, lower(slot) AS slot_key, to_value AS content, 1 AS is_write
        FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    ),
    ordered AS (
        -- In a transaction a read (what it found) comes before a write (what it left).
        SELECT *, tx * 2 + is_write AS position
        FROM accessed
        WHERE tx IN (SELECT tx FROM succeeded)
    ),
    accesses AS (
        -- First and last at once: the other table of the two shares this step (`shared` above) and takes what it needs.
        SELECT
            account, slot_key,
            min(tx) AS first_tx, argMin(content, position) AS first_content,
            max(tx) AS last_tx, argMax(content, position) AS last_content
        FROM ordered
        GROUP BY account, slot_key
    )
SELECT
    account AS address,
    slot_key,
    toUInt32(intDiv(last_tx, 1048576)) AS block_number,
    last_content AS value
FROM accesses
