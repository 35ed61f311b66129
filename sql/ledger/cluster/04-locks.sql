-- One row per lock epoch. Keeper lets exactly one runner insert it, and all nodes see the same rows. KeeperMap has no
-- macros, so the path is a parameter, below keeper_map_path_prefix of the servers' configuration: /backfill/<cluster>/<database>.
CREATE TABLE IF NOT EXISTS {locks:Identifier}.locks ON CLUSTER '{cluster}'
(
    name String COMMENT '<network>__<table key>__<epoch>',
    comment String COMMENT 'Who holds the lock, and its last heartbeat'
)
ENGINE = KeeperMap({keeper_path:String})
PRIMARY KEY name
COMMENT 'Locks of backfill: the highest epoch of a table owns it';
