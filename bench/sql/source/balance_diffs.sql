-- Changes of a balance: of the sender, the miner, and of half of the receivers where it succeeded.
INSERT INTO {source:Identifier}.canonical_execution_balance_diffs
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index, address, from_value, to_value)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of,
    arrayDistinct(if(success AND (kind = 'transfer' OR draw % 3 = 0), [sender, miner, receiver], [sender, miner])) AS changed
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, internal_index,
    address_of(account), toUInt256(cityHash64(draw, account)) * (1 + {copy:UInt8}), toUInt256(cityHash64(account, draw))
FROM {source:Identifier}.chain
ARRAY JOIN changed AS account, arrayEnumerate(changed) AS internal_index
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
