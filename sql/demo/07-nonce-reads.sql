-- Nonces as the transactions of the sample chain found them; a nonce of 0 leaves no row.
INSERT INTO {source:Identifier}.canonical_execution_nonce_reads
    (updated_date_time, block_number, transaction_index, transaction_hash, internal_index,
     address, nonce, meta_network_name)
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
    nonce.1 AS address,
    nonce.2 AS nonce_before,
    network
FROM (
    SELECT
        *,
        arrayConcat(
            if(sender_nonce = 0, [], [(sender, sender_nonce)]),
            multiIf(
                kind IN ('transfer', 'create'), [],
                kind IN ('destruct', 'undone'), [(contract, 1), (victim, 1)],
                [(contract, 1)]
            )
        ) AS nonces
    FROM chain
)
ARRAY JOIN nonces AS nonce, arrayEnumerate(nonces) AS internal_index
