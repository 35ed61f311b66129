-- The ledger and its locks live on the target server, in databases of their own.
CREATE DATABASE IF NOT EXISTS {ledger:Identifier};
CREATE DATABASE IF NOT EXISTS {locks:Identifier};
