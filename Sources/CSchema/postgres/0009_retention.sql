-- Policies of retention: how long, how many and about how many bytes of each kind are kept; a kind
-- without a row has its default. `namespace` is '' for all records that have no policy of their
-- own. Those with `over_size` hold too while the store is larger than its limit (meta,
-- 'retention.size_max'). `keep_for` is microseconds.
CREATE TABLE retention_policies (
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN
    ('tasks', 'approvals', 'grants', 'sessions', 'conversations', 'threads', 'dead_letters',
    'audit', 'changes', 'idempotency', 'files')),
  namespace TEXT COLLATE "C" NOT NULL DEFAULT '',
  over_size BIGINT NOT NULL DEFAULT 0 CHECK (over_size IN (0, 1)),
  keep_for BIGINT CHECK (keep_for > 0),
  keep_last BIGINT CHECK (keep_last >= 0),
  max_bytes BIGINT CHECK (max_bytes >= 0),
  version BIGINT NOT NULL CHECK (version > 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (kind, namespace, over_size)
);
