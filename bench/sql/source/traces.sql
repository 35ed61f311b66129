-- Traces: the root, then calls in groups of three (a call with two calls within), self-destructs, failed calls.
INSERT INTO {source:Identifier}.canonical_execution_traces
    (updated_date_time, block_number, transaction_hash, meta_network_name, transaction_index, internal_index,
     action_from, action_to, action_value, action_gas, action_input, action_call_type, action_type,
     result_gas_used, result_address, trace_address, subtraces, error)
WITH
    (id -> concat('0x', lower(hex(concat(sipHash128(id), reinterpretAsFixedString(toUInt32(cityHash64(id)))))))) AS address_of
SELECT
    toDateTime(1438269973 + block * 12 + {copy:UInt8} * 86400), block, hash, network, tx, step + 1,
    multiIf(step = 0, address_of(sender), is_destruct, address_of(if(kind = 'flash', draw, called)), address_of(receiver)),
    multiIf(step > 0, address_of(if(is_destruct, sender, called)), kind = 'create', NULL, address_of(receiver)),
    if(step = 0, toUInt256(draw % 1000000) * 1000000000000, 0),
    21000 + cityHash64(draw, step) % 400000 + {copy:UInt8},
    if(is_destruct OR kind = 'transfer', '0x', '0xa9059cbb'),
    if(is_destruct OR is_creation, '', 'call'),
    multiIf(is_destruct, 'suicide', is_creation, 'create', 'call'),
    if(is_destruct, 0, 21000 + cityHash64(step, draw) % 200000),
    if(is_creation AND NOT is_failed, address_of(draw), NULL),
    multiIf(step = 0, NULL, step % 3 = 1, toString(intDiv(step, 3)), concat(toString(intDiv(step - 1, 3)), '_', toString(step % 3 = 0))),
    multiIf(step = 0, intDiv(calls + 2, 3), step % 3 = 1, least(2, calls - step), 0),
    if(is_failed, 'Reverted', NULL)
FROM (
    SELECT
        *, step,
        kind IN ('destruct', 'flash') AND step = 3 AS is_destruct,
        kind IN ('create', 'flash') AND step = if(kind = 'create', 0, 4) AS is_creation,
        -- Of the calls around others one in a hundred fails in a transaction that succeeds.
        if(step = 0, NOT success, step % 3 = 1 AND NOT is_creation AND cityHash64(draw, step) % 50 = 0) AS is_failed,
        if(calls = 0, 0, contracts[1 + step % length(contracts)]) AS called
    FROM (
        -- Six slots take no call of their own. A self-destruct is a call within the first group's call.
        SELECT *, if(kind IN ('destruct', 'flash'), 4, if(size < 6, 0, intDiv(9 * (size - 6), 10))) AS calls
        FROM {source:Identifier}.chain
    )
    ARRAY JOIN range(calls + 1) AS step
    WHERE block BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND ({copy:UInt8} = 0 OR is_rewritten)
)
