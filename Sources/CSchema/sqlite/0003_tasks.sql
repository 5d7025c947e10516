-- Tasks: work that is done once, by whoever claims it first.
--
-- A running task with lease_expires_at is leased to a worker, and takes its writes only with the
-- newest fencing_token; one without was set running by hand. lease_duration is for how long its
-- worker asked last. attempt counts the runs that failed or lost their lease, and the one going on.
-- lease_duration, retry_base and retry_cap are microseconds; source is the task that this one
-- replays.
CREATE TABLE tasks (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  command TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN
    ('pending', 'running', 'waiting', 'awaiting_approval', 'completed', 'failed', 'cancelled')),
  priority INTEGER NOT NULL CHECK (priority BETWEEN -100 AND 100),
  caller TEXT,
  response_channel TEXT,
  response_thread TEXT,
  run TEXT,
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
  retry_base INTEGER NOT NULL CHECK (retry_base >= 0),
  retry_cap INTEGER NOT NULL CHECK (retry_cap >= 0),
  run_at INTEGER NOT NULL,
  lease_owner TEXT,
  lease_expires_at INTEGER,
  lease_duration INTEGER CHECK (lease_duration > 0),
  fencing_token INTEGER NOT NULL CHECK (fencing_token >= 0),
  unique_key TEXT,
  source TEXT,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  error TEXT,
  parameters TEXT NOT NULL,
  progress TEXT,
  result TEXT,
  CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
  CHECK (status <> 'completed' OR error IS NULL),
  CHECK (status NOT IN ('failed', 'cancelled') OR error IS NOT NULL),
  CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL)),
  CHECK ((lease_owner IS NULL) = (lease_duration IS NULL)),
  CHECK (lease_expires_at IS NULL OR status = 'running'),
  CHECK (attempt <= max_attempts),
  CHECK (attempt < max_attempts OR status IN ('running', 'completed', 'failed', 'cancelled'))
) STRICT;
-- A claim walks the priorities of a queue from the highest, and in each what is due.
CREATE INDEX tasks_due ON tasks (queue, priority, run_at, number) WHERE status = 'pending';
CREATE INDEX tasks_leased ON tasks (queue, lease_expires_at, number)
  WHERE lease_expires_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_unique ON tasks (queue, unique_key)
  WHERE unique_key IS NOT NULL AND completed_at IS NULL;
CREATE INDEX tasks_by_time ON tasks (created_at, number);
CREATE INDEX tasks_by_status ON tasks (status, created_at, number);
CREATE INDEX tasks_by_queue ON tasks (queue, created_at, number);
CREATE INDEX tasks_by_command ON tasks (command, created_at, number);
CREATE INDEX tasks_by_caller ON tasks (caller, created_at, number) WHERE caller IS NOT NULL;
CREATE INDEX tasks_by_run ON tasks (run, created_at, number) WHERE run IS NOT NULL;
CREATE INDEX tasks_finished ON tasks (completed_at, number) WHERE completed_at IS NOT NULL;

-- What the steps of a task gave, in the order in which they were recorded; they go with their task.
CREATE TABLE task_steps (
  task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position > 0),
  name TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (task, position),
  UNIQUE (task, name)
) STRICT, WITHOUT ROWID;
