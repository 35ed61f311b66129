-- Traces of the sample chain: what calls what. Blocks 5100 and 15200 are incomplete: they are missing here alone.
INSERT INTO {source:Identifier}.canonical_execution_traces
    (updated_date_time, block_number, transaction_index, transaction_hash, internal_index,
     action_from, action_to, action_value, action_gas, action_call_type, action_type,
     result_gas_used, result_address, trace_address, subtraces, error, meta_network_name)
-- Outdated rows stay until parts are merged, as in a real source.
SETTINGS optimize_on_insert = 0
WITH
    -- The chain, in the same words in every file of this folder. All randomness is a hash of block and index;
    -- balances and slot values are drawn, not computed: a value before need not be the last value after.
    (text -> concat('0x', lower(hex(SHA1(text))))) AS address_of,
    (text -> concat('0x', lower(hex(SHA256(text))))) AS word_of,
    -- One of 65,536 numbers, as text: 0 is drawn all the time, most of them hardly ever.
    (draw -> toString(bitShiftRight(draw % 65536, cityHash64(draw) % 16))) AS skewed,
    transactions AS (
        SELECT number + 1 AS block, tx, cityHash64(block, tx) AS dice
        FROM numbers(20000)
        -- Every 997th block is empty, the others hold 1 to 8 transactions.
        ARRAY JOIN range(if(block % 997 = 0, 0, 1 + cityHash64(block) % 8)) AS tx
    ),
    copies AS (
        SELECT block, tx, dice, network, is_outdated, cityHash64(dice, network, is_outdated) AS draw
        FROM transactions
        ARRAY JOIN
            [{network:String}, {network:String}, concat({network:String}, '_neighbour')] AS network,
            [false, true, false] AS is_outdated
        WHERE multiIf(
            network != {network:String}, block % 25 = 0, -- rows of another network, some of them in the source gap
            block BETWEEN 9001 AND 11500, false, -- the source gap: no row of this network
            is_outdated, dice % 19 = 0, -- written before, with other content
            true)
    ),
    chain AS (
        SELECT
            network, block, tx, dice, draw,
            toDateTime('2024-01-01 00:00:00', 'UTC') + block * 12 + if(is_outdated, 0, 3600) AS written_at,
            word_of(concat('transaction ', toString(block), ' ', toString(tx))) AS hash,
            multiIf(dice % 100 < 42, 'transfer', dice % 100 < 94, 'call', dice % 100 < 97, 'create',
                    dice % 100 < 98, 'destruct', dice % 100 < 99, 'flash', 'undone') AS kind,
            -- 3 % fail here, half of them in the other network. An outdated row says the opposite of the truth.
            if(network = {network:String}, intDiv(dice, 100) % 100 < 3, draw % 2 = 0) AS is_failed,
            is_failed != is_outdated AS looks_failed,
            skewed(cityHash64(draw, 1)) AS payer,
            skewed(cityHash64(draw, 2)) AS payee,
            address_of(concat('user ', payer)) AS sender,
            address_of(concat('user ', if(payee = payer, 'other', payee))) AS recipient, -- nobody pays himself
            address_of(concat('contract ', skewed(cityHash64(draw, 3)))) AS contract,
            address_of(concat('contract ', toString(draw % 65536))) AS victim,
            address_of(concat('child ', toString(draw))) AS child,
            intDiv(dice, 10000) % 200 AS sender_nonce,
            address_of(concat('miner ', toString(block % 7))) AS miner
        FROM copies
    )
SELECT
    written_at, block, tx, hash, internal_index,
    trace.from,
    if(trace.type = 'create', NULL, trace.to) AS action_to,
    trace.value,
    if(trace.type = 'suicide', 0, 21000 + draw % 400000) AS action_gas,
    if(trace.type = 'call', 'call', '') AS action_call_type,
    trace.type,
    if(trace.type = 'suicide' OR trace.error != '', 0, 21000 + draw % 200000) AS result_gas_used,
    if(trace.type = 'create' AND trace.error = '', trace.to, NULL) AS result_address,
    nullIf(trace.path, '') AS trace_address,
    trace.children,
    nullIf(trace.error, '') AS error,
    network
FROM (
    SELECT
        *,
        toUInt256(1 + draw % 5000) * 1000000000000000 AS payment, -- as in transaction
        if(draw % 3 = 0, 0, toUInt256(draw % 1000000) * 1000000000000) AS remainder, -- of a destructed contract
        if(looks_failed, 'Reverted', '') AS failure,
        CAST(
            multiIf(
                kind = 'transfer', [
                    ('', 0, 'call', sender, recipient, payment, failure)],
                kind = 'create', [
                    ('', 0, 'create', sender, child, 0, failure)],
                -- A call destructs an old contract.
                kind = 'destruct', [
                    ('', 1, 'call', sender, contract, 0, failure),
                    ('0', 1, 'call', contract, victim, 0, ''),
                    ('0_0', 0, 'suicide', victim, recipient, remainder, '')],
                -- A contract is created and destructed in one transaction.
                kind = 'flash', [
                    ('', 2, 'call', sender, contract, 0, failure),
                    ('0', 0, 'create', contract, child, 0, ''),
                    ('1', 1, 'call', contract, child, 0, ''),
                    ('1_0', 0, 'suicide', child, recipient, remainder, '')],
                -- The transaction succeeds, but the call around its self-destruct is reverted.
                kind = 'undone', [
                    ('', 1, 'call', sender, contract, 0, failure),
                    ('0', 1, 'call', contract, recipient, 0, 'Reverted'),
                    ('0_0', 1, 'call', recipient, victim, 0, ''),
                    ('0_0_0', 0, 'suicide', victim, recipient, remainder, '')],
                -- An ordinary call, every other one with a call within.
                dice % 2 = 0, [
                    ('', 0, 'call', sender, contract, 0, failure)],
                [
                    ('', 1, 'call', sender, contract, 0, failure),
                    ('0', 0, 'call', contract, recipient, 0, '')]
            ),
            'Array(Tuple(
                path String, children UInt32, type String, from String, to String, value UInt256, error String))'
        ) AS traces
    FROM chain
)
ARRAY JOIN traces AS trace, arrayEnumerate(traces) AS internal_index
WHERE block NOT IN (5100, 15200)
