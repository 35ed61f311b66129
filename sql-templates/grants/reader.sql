-- on the source, if it is another server than the target
GRANT SELECT ON {{source}}.* TO {{user}};
-- to fit jobs and chunks to load and memory
GRANT SELECT ON system.server_settings TO {{user}};
GRANT SELECT ON system.asynchronous_metrics TO {{user}};
-- to notice within a minute that a connection has fallen silent
GRANT SELECT ON system.processes TO {{user}};
-- to report row policies that hide source rows, and to compare sources by their parts (`verify --sources`)
GRANT SELECT ON system.row_policies TO {{user}};
GRANT SELECT ON system.parts TO {{user}};
