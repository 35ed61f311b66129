-- Nonces as a transaction found them: of the accounts whose balance it read, but for those with a nonce of 0.
INSERT INTO {source:Identifier}.canonical_execution_nonce_reads
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index, address, nonce)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of,
    arrayFilter(account -> cityHash64(account) % 30 > 0, accounts) AS known
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, internal_index,
    address_of(account), cityHash64(account) % 1000 + {copy:UInt8}
FROM {source:Identifier}.chain
ARRAY JOIN known AS account, arrayEnumerate(known) AS internal_index
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
