--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_post_6780_accounts_destructs
(
    address           String          NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number      UInt32          NOT NULL COMMENT 'Block of the self-destruct' CODEC(ZSTD(1)),
    transaction_hash  FixedString(66) NOT NULL COMMENT 'Hash of the transaction that destructed it, lower case' CODEC(ZSTD(1)),
    transaction_index UInt64          NOT NULL COMMENT 'Index of that transaction in the block' CODEC(DoubleDelta, ZSTD(1)),
    is_same_tx        Bool            NOT NULL COMMENT 'Whether the same transaction also created the account, so that it is deleted' CODEC(ZSTD(1)),
    INDEX by_block block_number TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY cityHash64(address) % 16
ORDER BY (address, block_number, transaction_hash)
COMMENT 'Self-destructs since EIP-6780 (Dencun): only accounts created in the same transaction are deleted'
