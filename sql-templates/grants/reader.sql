-- on the source, if it is another server than the target
GRANT SELECT ON {{source}}.* TO {{user}};
-- to fit jobs and chunks to load and memory
GRANT SELECT ON system.server_settings TO {{user}};
GRANT SELECT ON system.asynchronous_metrics TO {{user}};
