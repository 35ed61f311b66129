-- The transactions of the chain, and what each of them touches: every source table is drawn from this one, so that
-- the rows of a transaction agree. All randomness is a hash of network, block and index. Ids become addresses and
-- slots in the other files: contracts count from 1, users from 10^12, miners from 2 * 10^12, a new contract's id is
-- the draw of its transaction.
CREATE TABLE {source:Identifier}.chain ENGINE = MergeTree ORDER BY (block, tx) AS
WITH
    (draw -> (draw + 1) / 18446744073709551616) AS unit, -- above 0, up to 1
    -- A number from 1 to `many`: the chance to be among the first k is (ln (k + 1) / ln many) ^ (1 / skew).
    ((draw, many, skew) -> toUInt64(exp(ln(many) * pow((draw + 1) / 18446744073709551616, skew)))) AS skewed,
    blocks AS (
        SELECT
            number AS block, network, cityHash64(network, block) AS dice, (block - {first:UInt64}) / {blocks:UInt64} AS age,
            -- Even: 150 to 250. Growing: hardly any in the first tenth, about 400 in the last blocks.
            multiIf(
                network != {network:String}, dice % 20,
                {growing:UInt8}, toUInt64(400 * pow(age, 3) * (0.75 + unit(dice) / 2) + (dice % 7 = 0)),
                150 + dice % 101
            ) AS transactions
        FROM numbers({first:UInt64}, {blocks:UInt64})
        ARRAY JOIN [{network:String}, {neighbour:String}] AS network
    ),
    drawn AS (
        SELECT
            network, block, tx, cityHash64(dice, tx) AS draw,
            multiIf(draw % 1000 < 220, 'transfer', draw % 1000 < 230, 'create', draw % 1000 < 240, 'destruct',
                    draw % 1000 < 242, 'flash', 'call') AS kind,
            cityHash64(draw, 'failed') % 100 >= 2 AS success,
            -- How much a call does: 11.6 slots in the mean, exponentially distributed.
            if(kind = 'transfer', 0, toUInt64(-ln(unit(cityHash64(draw, 'size'))) * 11.6)) AS size,
            dice % 100 = 0 AS is_rewritten,
            1000000000000 + skewed(cityHash64(draw, 'sender'), 10000000, 0.5) AS sender,
            1000000000000 + skewed(cityHash64(draw, 'recipient'), 10000000, 1) AS recipient,
            2000000000000 + skewed(dice, 100, 1) AS miner,
            arrayMap(i -> skewed(cityHash64(draw, i), 100000, 1.5),
                     range(if(kind = 'transfer', 0, 1 + intDiv(size, 5)))) AS contracts
        FROM blocks
        ARRAY JOIN range(transactions) AS tx
    )
SELECT
    network, block, tx, draw, is_rewritten,
    toFixedString(concat('0x', lower(hex(concat(sipHash128(draw), sipHash128(draw, 1))))), 66) AS hash,
    toLowCardinality(kind) AS kind, success, size, sender, miner,
    if(kind = 'transfer', recipient, contracts[1]) AS receiver,
    arrayDistinct(arrayConcat([sender, receiver, miner], contracts)) AS accounts,
    contracts,
    -- The slots that it reads; it writes a third of them.
    arrayDistinct(arrayMap(
        i -> (contracts[1 + i % length(contracts)], skewed(cityHash64(draw, 'slot', i), 10000000, 2)),
        range(size))) AS slots
FROM drawn
