-- An order for tables by key, '' for all.
INSERT INTO {ledger:Identifier}.steering
  (network, number, table_key, action, jobs, until, person, user, host, tool_version, set_at)
SELECT {network:String}, (SELECT max(number) + 1 FROM {ledger:Identifier}.steering), arrayJoin({tables:Array(String)}),
  {action:String}, {jobs:UInt32}, if({until:UInt32} = 0, NULL, toDateTime({until:UInt32}, 'UTC')),
  {person:String}, currentUser(), {host:String}, {toolVersion:String}, now64(6)
