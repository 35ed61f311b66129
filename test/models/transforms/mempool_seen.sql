--! description: Transactions as they were seen
--! target: mempool_seen
--! sources: mempool
--! rows: per-block
--! position: toUnixTimestamp(event_date_time)
--! chunk: 30m

SELECT event_date_time, hash, size
FROM {source:Identifier}.mempool
WHERE meta_network_name = {network:String} AND event_date_time >= {from:DateTime64(3, 'UTC')} AND event_date_time < {to:DateTime64(3, 'UTC')} + INTERVAL 1 SECOND
