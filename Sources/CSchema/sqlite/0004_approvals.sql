-- Approvals, the policies that decide some of them at once, and grants, for SQLite. The text for
-- PostgreSQL has the same number and meaning.

-- Somebody wants to do something and must be allowed to. An undecided one whose time is over stays
-- 'pending' here until upkeep notes it; whoever reads must look at `expires_at` too. `closed_at` is
-- when it was decided, used or noted as expired, whichever was last; `asks_grant` says whether the
-- decider asked for a grant too.
CREATE TABLE approvals (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  task TEXT,
  run TEXT,
  caller TEXT,
  permission TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT,
  channel TEXT,
  thread TEXT,
  status TEXT NOT NULL CHECK (status IN
    ('pending', 'approved', 'denied', 'expired', 'consumed')),
  decision TEXT CHECK (decision IN ('approve', 'deny')),
  decided_by TEXT,
  by TEXT,
  reason TEXT,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  policy TEXT,
  grant_id TEXT,
  asks_grant INTEGER NOT NULL DEFAULT 0 CHECK (asks_grant IN (0, 1)),
  version INTEGER NOT NULL CHECK (version > 0),
  requested_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_at INTEGER,
  usable_until INTEGER,
  consumed_at INTEGER,
  closed_at INTEGER,
  history TEXT NOT NULL DEFAULT '[]',
  parameters TEXT NOT NULL,
  CHECK ((status IN ('pending', 'expired')) = (decision IS NULL)),
  CHECK ((status = 'denied') = (COALESCE(decision, '') = 'deny')),
  CHECK ((decision IS NULL) = (decided_at IS NULL)),
  CHECK ((decision IS NULL) = (decided_by IS NULL)),
  CHECK (asks_grant = 0 OR COALESCE(decision, '') = 'approve'),
  CHECK ((COALESCE(decision, '') = 'approve') = (usable_until IS NOT NULL)),
  CHECK ((status = 'consumed') = (consumed_at IS NOT NULL)),
  CHECK ((status = 'pending') = (closed_at IS NULL))
) STRICT;
CREATE INDEX approvals_by_time ON approvals (requested_at, number);
CREATE INDEX approvals_by_status ON approvals (status, requested_at, number);
CREATE INDEX approvals_by_caller ON approvals (caller, requested_at, number)
  WHERE caller IS NOT NULL;
CREATE INDEX approvals_by_task ON approvals (task, requested_at, number) WHERE task IS NOT NULL;
CREATE INDEX approvals_by_run ON approvals (run, requested_at, number) WHERE run IS NOT NULL;
CREATE INDEX approvals_undecided ON approvals (requested_at, number) WHERE decision IS NULL;
CREATE INDEX approvals_awaited ON approvals (task, requested_at, number) WHERE closed_at IS NULL;
CREATE INDEX approvals_due ON approvals (expires_at, number) WHERE closed_at IS NULL;
CREATE INDEX approvals_closed ON approvals (closed_at, number) WHERE closed_at IS NOT NULL;

-- What becomes of a request for a permission; one without a row must be decided by somebody. `term`
-- is a new word whenever the policy begins or changes.
CREATE TABLE approval_policies (
  permission TEXT NOT NULL PRIMARY KEY,
  mode TEXT NOT NULL CHECK (mode IN
    ('auto_approve', 'notify_then_do', 'require_approval', 'always_deny')),
  grants INTEGER NOT NULL CHECK (grants IN (0, 1)),
  term TEXT NOT NULL,
  set_by TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (mode <> 'always_deny' OR grants = 0)
) STRICT, WITHOUT ROWID;

-- A task may do what a permission is for, for a short time. Those that ended are kept as history.
-- What a policy granted counts only in the policy's own `term`: so a policy that is changed or
-- deleted ends all its grants by its own row, however many there are.
CREATE TABLE grants (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  permission TEXT NOT NULL,
  task TEXT NOT NULL,
  run TEXT,
  source TEXT NOT NULL CHECK (source IN ('policy', 'decision')),
  term TEXT,
  approval TEXT NOT NULL,
  granted_by TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_by TEXT,
  CHECK ((source = 'policy') = (term IS NOT NULL)),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;
CREATE INDEX grants_by_pair ON grants (task, permission, expires_at, number);
CREATE INDEX grants_by_expiry ON grants (expires_at, number);
CREATE INDEX grants_by_task ON grants (task, expires_at, number);
CREATE INDEX grants_by_permission ON grants (permission, expires_at, number);
CREATE INDEX grants_by_run ON grants (run) WHERE run IS NOT NULL;
