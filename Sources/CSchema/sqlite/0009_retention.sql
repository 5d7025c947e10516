-- Policies of retention: how long, how many and about how many bytes of each kind are kept; a kind
-- without a row has its default. `namespace` is '' for all records that have no policy of their
-- own. Those with `over_size` hold too while the store is larger than its limit (meta,
-- 'retention.size_max'). `keep_for` is microseconds.
CREATE TABLE retention_policies (
  kind TEXT NOT NULL CHECK (kind IN
    ('tasks', 'approvals', 'grants', 'sessions', 'conversations', 'threads', 'dead_letters',
    'audit', 'changes', 'idempotency', 'files')),
  namespace TEXT NOT NULL DEFAULT '',
  over_size INTEGER NOT NULL DEFAULT 0 CHECK (over_size IN (0, 1)),
  keep_for INTEGER CHECK (keep_for > 0),
  keep_last INTEGER CHECK (keep_last >= 0),
  max_bytes INTEGER CHECK (max_bytes >= 0),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (kind, namespace, over_size)
) STRICT, WITHOUT ROWID;
