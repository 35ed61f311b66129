-- Contracts that were created; init code and code are short here.
INSERT INTO {source:Identifier}.canonical_execution_contracts
    (updated_date_time, block_number, transaction_hash, meta_network_name, internal_index, create_index, contract_address,
     deployer, factory, init_code, code, init_code_hash, n_init_code_bytes, n_code_bytes, code_hash)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, 1, 1, address_of(draw),
    address_of(sender), address_of(if(kind = 'create', sender, receiver)), '0x60', '0x00', '0x', 1 + {copy:UInt8}, 1, '0x'
FROM {source:Identifier}.chain
WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
  AND kind IN ('create', 'flash') AND (success OR kind = 'flash')
