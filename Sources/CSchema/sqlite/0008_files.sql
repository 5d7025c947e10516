-- Files, for SQLite. The text for PostgreSQL has the same number and meaning.

-- A file is a name in a namespace; its columns repeat what its newest version says, so that a list
-- reads one row a file. Its versions hang on its row. What is to go is only marked here: the seen
-- versions are those from first_number on, and upkeep removes what lies between swept_number and
-- first_number in slices. A deleted file has no name any more, and goes with its last version.
CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  number INTEGER NOT NULL CHECK (number > 0),
  digest BLOB NOT NULL,
  indexed INTEGER NOT NULL DEFAULT 0 CHECK (indexed IN (0, 1)),
  versions INTEGER NOT NULL CHECK (versions >= 0),
  first_number INTEGER NOT NULL,
  swept_number INTEGER NOT NULL CHECK (swept_number <= first_number),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  CHECK ((name IS NULL) = (deleted_at IS NOT NULL)),
  CHECK ((versions = 0) = (deleted_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX files_by_name ON files (namespace, name);
CREATE INDEX files_unswept ON files (id) WHERE swept_number < first_number;
-- For keeping the last versions only: the files that have several, in all and in a namespace.
CREATE INDEX files_by_versions ON files (versions) WHERE versions > 1;
CREATE INDEX files_by_namespace_versions ON files (namespace, versions) WHERE versions > 1;

-- The greatest number that a version of this name ever had, where the file was deleted or renamed:
-- numbers go on, so that a new version is never taken for an old one.
CREATE TABLE file_numbers (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  last_number INTEGER NOT NULL CHECK (last_number > 0),
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

-- All chunks of a version but the last are chunk_bytes long, so that a range is arithmetic.
CREATE TABLE file_versions (
  file_id INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  digest BLOB NOT NULL,
  chunk_bytes INTEGER NOT NULL CHECK (chunk_bytes > 0),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (file_id, number)
) STRICT, WITHOUT ROWID;

-- Which chunks a version is made of, in order.
CREATE TABLE file_chunks (
  file_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 0),
  digest BLOB NOT NULL,
  PRIMARY KEY (file_id, number, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_chunks_by_digest ON file_chunks (digest);

-- Contents, each once, under its SHA-256.
CREATE TABLE chunks (
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size > 0),
  content BLOB NOT NULL
) STRICT;

-- Chunks that may belong to no version, and since when: written ahead of a save, or left by a
-- version that went. A save takes its chunks out of here; what is still here after a day is removed.
CREATE TABLE orphan_chunks (
  digest BLOB NOT NULL PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orphan_chunks_by_time ON orphan_chunks (since);
