--! group: Servers
--! server: source, target
--! ok: the server is not too old
-- Is the server new enough? 25.8 is the oldest version on which backfill is known to work (docs/how-to/deploying.md).
WITH arrayMap(part -> toUInt32OrZero(part), splitByChar('.', version())) AS parts
SELECT
    if((parts[1], parts[2]) >= (25, 8), 'ok', 'fail') AS status,
    '' AS subject,
    concat('ClickHouse ', version(), if(status = 'ok', ' (supported from 25.8)', ' is too old (supported from 25.8)')) AS finding,
    if(status = 'ok', '', 'Upgrade it to 25.8 or newer') AS hint
