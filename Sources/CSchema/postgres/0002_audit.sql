-- The audit log, for PostgreSQL. The text for SQLite has the same number and meaning, and its
-- comments say what each table is for.

INSERT INTO meta (name, value) VALUES ('audit.store', replace(gen_random_uuid()::TEXT, '-', ''));

CREATE TABLE audit_log (
  chain BIGINT NOT NULL CHECK (chain > 0),
  number BIGINT NOT NULL CHECK (number > 0),
  time BIGINT NOT NULL,
  imported_at BIGINT,
  actor TEXT COLLATE "C" NOT NULL,
  by TEXT,
  action TEXT COLLATE "C" NOT NULL CHECK (action <> ''),
  subject TEXT COLLATE "C",
  bot TEXT COLLATE "C",
  run TEXT COLLATE "C",
  memory TEXT COLLATE "C",
  result TEXT,
  details TEXT NOT NULL DEFAULT '{}',
  previous BYTEA NOT NULL CHECK (length(previous) = 32),
  mac BYTEA NOT NULL CHECK (length(mac) = 32),
  PRIMARY KEY (chain, number)
);
CREATE INDEX audit_by_time ON audit_log (time, chain, number);
CREATE INDEX audit_by_actor ON audit_log (actor, time, chain, number);
CREATE INDEX audit_by_action ON audit_log (action, time, chain, number);
CREATE INDEX audit_by_subject ON audit_log (subject, time, chain, number)
  WHERE subject IS NOT NULL;
CREATE INDEX audit_by_bot ON audit_log (bot, time, chain, number) WHERE bot IS NOT NULL;
CREATE INDEX audit_by_run ON audit_log (run, time, chain, number) WHERE run IS NOT NULL;
CREATE INDEX audit_by_memory ON audit_log (memory, time, chain, number) WHERE memory IS NOT NULL;

-- A page holds few rows and much room, so that a head moves on within its page: an entry in the
-- index would meet the locks of all who read the heads beside it.
CREATE TABLE audit_chains (
  chain BIGINT NOT NULL PRIMARY KEY CHECK (chain >= 0),
  number BIGINT NOT NULL CHECK (number >= 0),
  mac BYTEA NOT NULL,
  keyed BIGINT NOT NULL CHECK (keyed IN (0, 1)),
  seal BYTEA NOT NULL CHECK (length(seal) = 32)
) WITH (fillfactor = 10);

CREATE TABLE audit_checkpoints (
  chain BIGINT NOT NULL CHECK (chain > 0),
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('cut', 'key')),
  number BIGINT NOT NULL CHECK (number >= 0),
  mac BYTEA NOT NULL CHECK (length(mac) = 32),
  before BIGINT,
  seal BYTEA NOT NULL CHECK (length(seal) = 32),
  PRIMARY KEY (chain, kind, number),
  CHECK ((kind = 'cut') = (before IS NOT NULL))
);
