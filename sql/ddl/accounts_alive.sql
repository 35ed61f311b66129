--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_accounts_alive
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the latest event' CODEC(ZSTD(1)),
    is_alive     Bool   NOT NULL COMMENT 'False if the latest event is an effective self-destruct' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT 'Whether the latest event of an account left it alive or deleted it'
