--! shard: cityHash64(address)

-- Rows are merged over all blocks (rows: per-key latest block_number): a range can run again, but not be deleted.
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_{{key}}
(
    address      String COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 COMMENT 'Last block in which it occurs' CODEC(ZSTD(1))
)
-- For each value of ORDER BY the row with the highest block_number is kept. To keep the lowest, write per-key earliest
-- in the header and use a version column that falls as block_number rises, as in int_address_first_access.
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT '{{key}}: describe a row here'
