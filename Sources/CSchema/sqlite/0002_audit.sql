-- The audit log, for SQLite. The text for PostgreSQL has the same number and meaning.

-- Which log it is, for those who hold an anchor of it; it goes along with every copy of the data.
INSERT INTO meta (name, value) VALUES ('audit.store', lower(hex(randomblob(16))));

-- Records in chains: each carries the seal of the record before it (`previous`) and one of its own
-- over that and all its other fields (`mac`). `by` is who a caller says acted, unproven.
CREATE TABLE audit_log (
  chain INTEGER NOT NULL CHECK (chain > 0),
  number INTEGER NOT NULL CHECK (number > 0),
  time INTEGER NOT NULL,
  imported_at INTEGER,
  actor TEXT NOT NULL,
  by TEXT,
  action TEXT NOT NULL CHECK (action <> ''),
  subject TEXT,
  bot TEXT,
  run TEXT,
  memory TEXT,
  result TEXT,
  details TEXT NOT NULL DEFAULT '{}',
  previous BLOB NOT NULL CHECK (length(previous) = 32),
  mac BLOB NOT NULL CHECK (length(mac) = 32),
  PRIMARY KEY (chain, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit_log (time, chain, number);
CREATE INDEX audit_by_actor ON audit_log (actor, time, chain, number);
CREATE INDEX audit_by_action ON audit_log (action, time, chain, number);
CREATE INDEX audit_by_subject ON audit_log (subject, time, chain, number)
  WHERE subject IS NOT NULL;
CREATE INDEX audit_by_bot ON audit_log (bot, time, chain, number) WHERE bot IS NOT NULL;
CREATE INDEX audit_by_run ON audit_log (run, time, chain, number) WHERE run IS NOT NULL;
CREATE INDEX audit_by_memory ON audit_log (memory, time, chain, number) WHERE memory IS NOT NULL;

-- The head of each chain: its newest number and that record's seal. Row 0 is the register: its
-- number says how many chains there are. Each row is sealed; `keyed` says whether with the store's
-- audit key, or without any.
CREATE TABLE audit_chains (
  chain INTEGER NOT NULL PRIMARY KEY CHECK (chain >= 0),
  number INTEGER NOT NULL CHECK (number >= 0),
  mac BLOB NOT NULL,
  keyed INTEGER NOT NULL CHECK (keyed IN (0, 1)),
  seal BLOB NOT NULL CHECK (length(seal) = 32)
) STRICT;

-- Sealed places in a chain that are kept for ever: where retention has cut its front off (`cut`),
-- and up to where it was written without a key before the store was given one (`key`).
CREATE TABLE audit_checkpoints (
  chain INTEGER NOT NULL CHECK (chain > 0),
  kind TEXT NOT NULL CHECK (kind IN ('cut', 'key')),
  number INTEGER NOT NULL CHECK (number >= 0),
  mac BLOB NOT NULL CHECK (length(mac) = 32),
  before INTEGER,
  seal BLOB NOT NULL CHECK (length(seal) = 32),
  PRIMARY KEY (chain, kind, number),
  CHECK ((kind = 'cut') = (before IS NOT NULL))
) STRICT, WITHOUT ROWID;
