--! shard: cityHash64(address)

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_diffs
(
    address       String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number  UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    tx_count      UInt32 NOT NULL COMMENT 'Successful transactions of the block that changed or created the address' CODEC(ZSTD(1)),
    last_tx_index UInt32 NOT NULL COMMENT 'Index of the last of them' CODEC(ZSTD(1)),
    INDEX by_block block_number TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY cityHash64(address) % 16
ORDER BY (address, block_number)
COMMENT 'Changes of balance, storage or nonce and creations, per address and block'
