-- Storage slots as a transaction found them.
INSERT INTO {source:Identifier}.canonical_execution_storage_reads
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index, contract_address, slot, value)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of,
    -- A quarter of the slots is empty; a value that was read is the one that a change starts from.
    (number -> concat('0x', leftPad(lower(hex(number)), 64, '0'))) AS word,
    (draw -> if(draw % 4 = 0, 0, draw)) AS found
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, internal_index,
    address_of(touched.1), concat('0x', lower(hex(concat(sipHash128(touched), sipHash128(touched, 1))))), word(found(cityHash64(draw, touched) + {copy:UInt8}))
FROM {source:Identifier}.chain
ARRAY JOIN slots AS touched, arrayEnumerate(slots) AS internal_index
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
