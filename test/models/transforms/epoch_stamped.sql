--! description: Epochs with the time of their computation
--! target: epoch_stamped
--! sources: epochs
--! rows: per-block
--! position: toUnixTimestamp(epoch_start_date_time)
--! chunk: 1h

SELECT epoch, epoch_start_date_time, validators, generateUUIDv4() AS id
FROM {source:Identifier}.epochs FINAL
WHERE epoch_start_date_time BETWEEN {from:DateTime('UTC')} AND {to:DateTime('UTC')}
