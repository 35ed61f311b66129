-- Balances as a transaction found them: of the sender, the receiver, the miner and the contracts called.
INSERT INTO {source:Identifier}.canonical_execution_balance_reads
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index, address, balance)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, internal_index,
    address_of(account), toUInt256(cityHash64(draw, account)) * (1 + {copy:UInt8})
FROM {source:Identifier}.chain
ARRAY JOIN accounts AS account, arrayEnumerate(accounts) AS internal_index
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
