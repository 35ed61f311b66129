-- The ledger and its locks live on all nodes of the cluster, in databases of their own.
CREATE DATABASE IF NOT EXISTS {ledger:Identifier} ON CLUSTER '{cluster}';
CREATE DATABASE IF NOT EXISTS {locks:Identifier} ON CLUSTER '{cluster}';
