CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_diffs_local ON CLUSTER '{cluster}'
(
    address       String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number  UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    tx_count      UInt32 NOT NULL COMMENT 'Successful transactions of the block that changed or created the address' CODEC(ZSTD(1)),
    last_tx_index UInt32 NOT NULL COMMENT 'Index of the last of them' CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY cityHash64(address) % 16
ORDER BY (address, block_number)
COMMENT 'Changes of balance, storage or nonce and creations, per address and block';

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_diffs ON CLUSTER '{cluster}'
(
    address       String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number  UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    tx_count      UInt32 NOT NULL COMMENT 'Successful transactions of the block that changed or created the address' CODEC(ZSTD(1)),
    last_tx_index UInt32 NOT NULL COMMENT 'Index of the last of them' CODEC(ZSTD(1))
)
ENGINE = Distributed('{cluster}', {target:Identifier}, 'int_address_diffs_local', cityHash64(address))
COMMENT 'Changes of balance, storage or nonce and creations, per address and block';
