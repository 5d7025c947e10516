-- Sessions: what an agent knows of a conversation, and the conversation itself.
--
-- Items hang on their session's row by its number, which is never used again (AUTOINCREMENT).
-- `next_position` is the position of the next item: it only grows, so that no position comes twice,
-- whatever was popped or cleared. A clear raises `first_position` and a deletion takes the row; the
-- items below wait in `session_clearings` for upkeep, so that either costs one step however many
-- items there are. `last_use` orders the uses of one transaction, which have one time and version.
CREATE TABLE session_contexts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  run TEXT,
  channel TEXT,
  thread TEXT,
  user_id TEXT,
  first_position INTEGER NOT NULL DEFAULT 1 CHECK (first_position >= 1),
  next_position INTEGER NOT NULL DEFAULT 1 CHECK (next_position >= first_position),
  item_count INTEGER NOT NULL DEFAULT 0 CHECK (item_count >= 0),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  last_use INTEGER NOT NULL,
  data TEXT NOT NULL DEFAULT '{}',
  CHECK (item_count <= next_position - first_position)
) STRICT;
CREATE INDEX session_contexts_by_time ON session_contexts (created_at, number);
CREATE INDEX session_contexts_by_run ON session_contexts (run, created_at, number)
  WHERE run IS NOT NULL;
CREATE INDEX session_contexts_by_user ON session_contexts (user_id, created_at, number)
  WHERE user_id IS NOT NULL;
CREATE INDEX session_contexts_by_channel ON session_contexts (channel, created_at, number)
  WHERE channel IS NOT NULL;
-- The session of a thread that was used last comes first.
CREATE INDEX session_contexts_by_thread
  ON session_contexts (channel, thread, last_used_at, version, last_use, number)
  WHERE channel IS NOT NULL AND thread IS NOT NULL;
-- A conversation stays; only sessions without items can be idle.
CREATE INDEX session_contexts_idle ON session_contexts (last_used_at, number)
  WHERE item_count = 0;

CREATE TABLE session_items (
  session INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 1),
  created_at INTEGER NOT NULL,
  item TEXT NOT NULL,
  PRIMARY KEY (session, position)
) STRICT, WITHOUT ROWID;

-- The items of a session (by its number) below a position belong to nobody.
CREATE TABLE session_clearings (
  session INTEGER NOT NULL,
  below INTEGER NOT NULL,
  PRIMARY KEY (session, below)
) STRICT, WITHOUT ROWID;

-- Which session a thread of a channel is talking to.
CREATE TABLE thread_sessions (
  channel TEXT NOT NULL,
  thread TEXT NOT NULL,
  session_key TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  last_message_at INTEGER NOT NULL,
  data TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (channel, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_sessions_idle ON thread_sessions (last_message_at, channel, thread);
