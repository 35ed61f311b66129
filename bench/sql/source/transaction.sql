-- Transactions. What was written first says the opposite of the truth.
INSERT INTO {source:Identifier}.canonical_execution_transaction
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, nonce, from_address, to_address, value, input,
     gas_limit, gas_used, gas_price, transaction_type, max_priority_fee_per_gas, max_fee_per_gas, success,
     n_input_bytes, n_input_zero_bytes, n_input_nonzero_bytes)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, draw % 1000, address_of(sender),
    if(kind = 'create', NULL, address_of(receiver)), toUInt256(draw % 1000000) * 1000000000000,
    if(kind = 'transfer', '0x', concat('0xa9059cbb', repeat('0', 24), substring(address_of(receiver), 3), leftPad(hex(draw), 64, '0'))),
    600000, 21000 + draw % 400000, 20000000000, 2, 1000000000, 40000000000,
    success != ({copy:UInt8} = 0 AND is_rewritten),
    if(kind = 'transfer', 0, 68), if(kind = 'transfer', 0, 36), if(kind = 'transfer', 0, 32)
FROM {source:Identifier}.chain
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
