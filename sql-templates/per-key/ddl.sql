--! shard: cityHash64(address)

-- Rows are merged over history (rows: per-key latest block_number): a range can be run again, but not taken back.
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}
(
    address      String COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 COMMENT 'Last block in which it occurs' CODEC(ZSTD(1))
)
-- Of rows with the same ORDER BY the one with the highest block_number is kept. For the lowest: per-key earliest in the
-- header, and a version column that falls as block_number rises, as in int_address_first_access.
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT '{{key}}: say here what a row is'
