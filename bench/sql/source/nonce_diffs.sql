-- Changes of a nonce: of the sender and, at times, of a contract that created another.
INSERT INTO {source:Identifier}.canonical_execution_nonce_diffs
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index, address, from_value, to_value)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of,
    if(success AND (kind IN ('create', 'flash') OR draw % 13 = 0), [sender, if(kind = 'call', receiver, draw)], [sender]) AS changed
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, internal_index,
    address_of(account), cityHash64(draw, account) % 1000, cityHash64(draw, account) % 1000 + 1 + {copy:UInt8}
FROM {source:Identifier}.chain
ARRAY JOIN changed AS account, arrayEnumerate(changed) AS internal_index
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
