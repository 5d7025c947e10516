-- Dead letters: messages that could not be delivered and tasks whose attempts are spent.
--
-- `source` names what failed: `task:ID` for a task (`task` then holds the id alone), any other word
-- for the handler of a message. A letter is tried by itself only while it is open; a resolved one
-- never changes again. `history` is a list of what was done to it, by whom and when, within a bound;
-- `history_dropped` counts the events that went from its beginning.
CREATE TABLE dead_letters (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  task TEXT,
  run TEXT,
  channel TEXT,
  thread TEXT,
  status TEXT NOT NULL CHECK (status IN ('open', 'given_up', 'resolved')),
  retry_count INTEGER NOT NULL CHECK (retry_count >= 0),
  next_retry_at INTEGER,
  given_up_at INTEGER,
  resolved_at INTEGER,
  replayed_as TEXT,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  error TEXT,
  history TEXT NOT NULL DEFAULT '[]',
  history_dropped INTEGER NOT NULL DEFAULT 0 CHECK (history_dropped >= 0),
  message TEXT NOT NULL,
  CHECK ((status = 'open') = (next_retry_at IS NOT NULL)),
  CHECK (status <> 'open' OR given_up_at IS NULL),
  CHECK (status <> 'given_up' OR given_up_at IS NOT NULL),
  CHECK ((status = 'resolved') = (resolved_at IS NOT NULL))
) STRICT;
CREATE INDEX dead_letters_by_time ON dead_letters (created_at, number);
CREATE INDEX dead_letters_by_status ON dead_letters (status, created_at, number);
CREATE INDEX dead_letters_by_source ON dead_letters (source, created_at, number);
CREATE INDEX dead_letters_of_tasks ON dead_letters (created_at, number) WHERE task IS NOT NULL;
CREATE INDEX dead_letters_by_run ON dead_letters (run, created_at, number) WHERE run IS NOT NULL;
-- These two begin with the status, though each has one only: without it the planner takes the index
-- by status, for which it must sort.
CREATE INDEX dead_letters_due ON dead_letters (status, next_retry_at, number)
  WHERE next_retry_at IS NOT NULL;
CREATE INDEX dead_letters_resolved ON dead_letters (status, resolved_at, number)
  WHERE resolved_at IS NOT NULL;
