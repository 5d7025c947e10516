-- Holdfast's first tables, for SQLite. The text for PostgreSQL has the same number and meaning.
-- Times are microseconds since 1970-01-01T00:00:00Z. JSON stands as text. `version` is the revision
-- of the transaction that wrote the row last.

-- What the store knows of itself, by name.
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The change feed. The newest row is never removed: the next revision and the floor of the store's
-- time are read from it.
CREATE TABLE changes (
  position INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL CHECK (revision > 0),
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  subject TEXT,
  operation TEXT NOT NULL,
  below INTEGER NOT NULL DEFAULT 0 CHECK (below IN (0, 1)),
  at INTEGER NOT NULL
) STRICT;

-- A namespace's keys hang on its row. A clear marks the row and the next key makes a new one, so
-- that a clear costs one row however many keys there are.
CREATE TABLE namespaces (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  run_id TEXT,
  created_at INTEGER NOT NULL,
  cleared_at INTEGER
) STRICT;
CREATE UNIQUE INDEX namespaces_live ON namespaces (name) WHERE cleared_at IS NULL;
-- A namespace with a colon behind it: sorted so, all that lies below a namespace follows it at once.
CREATE INDEX namespaces_tree ON namespaces ((name || ':')) WHERE cleared_at IS NULL;
CREATE INDEX namespaces_cleared ON namespaces (id) WHERE cleared_at IS NOT NULL;

-- Keys, dead ones included (expired, or of a cleared namespace); see the view live_kv. The value
-- stands last, so that a list without values does not read long ones.
CREATE TABLE kv (
  namespace_id INTEGER NOT NULL,
  key TEXT NOT NULL CHECK (length(CAST(key AS BLOB)) > 0),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  description TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kv_updated ON kv (namespace_id, updated_at DESC, version DESC, key);
CREATE INDEX kv_expiring ON kv (expires_at) WHERE expires_at IS NOT NULL;

CREATE VIEW live_kv AS
SELECT n.name AS namespace, k.key, k.value, k.version, k.created_at, k.updated_at, k.expires_at,
  k.description
FROM kv AS k JOIN namespaces AS n ON n.id = k.namespace_id
WHERE n.cleared_at IS NULL
  AND (k.expires_at IS NULL
    OR k.expires_at > CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER));

-- Runs. A deleted run leaves its row for ever (id, deleted_at), so that no late writer brings it
-- back.
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL CHECK (status IN
    ('active', 'paused', 'completed', 'failed', 'cancelled', 'archived', 'deleted')),
  parent TEXT,
  tags TEXT NOT NULL DEFAULT '[]',
  metadata TEXT NOT NULL DEFAULT '{}',
  error TEXT,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER,
  deleted_at INTEGER,
  CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
) STRICT;
CREATE INDEX runs_by_time ON runs (created_at, number);
CREATE INDEX runs_by_status ON runs (status, created_at, number);
CREATE INDEX runs_by_parent ON runs (parent, created_at, number) WHERE parent IS NOT NULL;

CREATE TABLE run_tags (
  tag TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (tag, created_at, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_run ON run_tags (number);

CREATE TABLE bots (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}',
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Access tokens: only the SHA-256 of a token is kept.
CREATE TABLE tokens (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('reader', 'agent', 'operator', 'admin')),
  patterns TEXT NOT NULL DEFAULT '[]',
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;

-- A name is free again once its token was revoked; a secret never is.
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;

-- The first answer of every write that carried an idempotency key.
CREATE TABLE idempotency (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  digest BLOB NOT NULL,
  response TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (created_at);

-- Who does a work that only one may do, and until when.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
