-- up
GRANT CREATE DATABASE, CREATE TABLE, SELECT, INSERT ON {{target}}.* TO {{user}};
GRANT CREATE DATABASE, CREATE TABLE, SELECT, INSERT ON {{ledger}}.* TO {{user}};
GRANT CREATE DATABASE, CREATE TABLE, DROP TABLE, SELECT, ALTER MODIFY COMMENT ON {{locks}}.* TO {{user}};
-- if the server asks for grants on table engines
GRANT TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON Null TO {{user}};
-- redo, and `up` after a run that died
GRANT ALTER DELETE ON {{target}}.* TO {{user}};
GRANT SELECT ON system.processes TO {{user}};
GRANT SELECT ON system.mutations TO {{user}};
GRANT SELECT ON system.query_log TO {{user}};
-- `up` after a run that died as another ClickHouse user
GRANT KILL QUERY ON *.* TO {{user}};
-- rebuild
GRANT DROP TABLE ON {{target}}.* TO {{user}};
-- once, if an older version made the ledger
GRANT ALTER ADD COLUMN ON {{ledger}}.* TO {{user}};
-- to compute a shared step once
GRANT CREATE TEMPORARY TABLE ON *.* TO {{user}};
-- for `check`, to compare existing tables with their DDL files, codecs, comments and TTL included
GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.* TO {{user}};
-- if source and target are one server
GRANT SELECT ON {{source}}.* TO {{user}};
-- to fit jobs and chunks to load and memory (for the reader, if there are two servers)
GRANT SELECT ON system.server_settings TO {{user}};
GRANT SELECT ON system.asynchronous_metrics TO {{user}};
-- to report row policies that hide source rows, to compare sources by their parts (`verify --sources`), and to see that a table
-- with a row per key lost some of its own
GRANT SELECT ON system.row_policies TO {{user}};
GRANT SELECT ON system.parts TO {{user}};
