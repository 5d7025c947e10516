#define _GNU_SOURCE
#include "baseline.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct baseline {
  sqlite3 *db;
  sqlite3_stmt *begin, *commit, *get, *put, *change, *list, *run, *bot;
  int64_t revision;
  char (*keys)[16];
  char answer[64];
};

/// The bytes of every key's text: `key-` and eight digits.
enum { KEY_BYTES = 12 };

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int prepare(baseline *self, const char *text, sqlite3_stmt **statement) {
  return sqlite3_prepare_v3(self->db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, 0);
}

static int step(sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

baseline *baseline_open(const char *path, int keys) {
  baseline *self = calloc(1, sizeof *self);
  if (!self) return 0;
  self->keys = calloc((size_t)keys + 1, sizeof *self->keys);
  if (!self->keys) {
    baseline_close(self);
    return 0;
  }
  for (int i = 0; i < keys; i++) snprintf(self->keys[i], sizeof *self->keys, "key-%08d", i);
  // The log is copied at the same size as Holdfast does: 16 MiB of 4 KiB pages.
  const char *pragmas =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
      "PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=4096; PRAGMA temp_store=MEMORY;";
  if (sqlite3_open_v2(path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, 0) ||
      // Refused where SQLite was built without it, as Debian's is; Holdfast asks for it too.
      sqlite3_db_config(self->db, SQLITE_DBCONFIG_LOOKASIDE, (void *)0, 1200, 100) > SQLITE_ERROR ||
      sqlite3_exec(self->db, pragmas, 0, 0, 0) ||
      prepare(self, "BEGIN IMMEDIATE", &self->begin) || prepare(self, "COMMIT", &self->commit) ||
      prepare(self, "SELECT value FROM kv WHERE namespace_id = ?1 AND key = ?2", &self->get) ||
      prepare(self,
              "INSERT INTO kv (namespace_id, key, version, created_at, updated_at, value)"
              " VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (namespace_id, key) DO UPDATE SET"
              " version = excluded.version, updated_at = excluded.updated_at,"
              " value = excluded.value",
              &self->put) ||
      prepare(self,
              "INSERT INTO changes (revision, kind, namespace, subject, operation, at)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
              &self->change) ||
      prepare(self,
              "SELECT key, version, created_at, updated_at, expires_at, description, value"
              " FROM kv WHERE namespace_id = ?1 AND key >= ?2 AND key < ?3"
              " AND (expires_at IS NULL OR expires_at > ?4) ORDER BY key",
              &self->list) ||
      prepare(self,
              "UPDATE runs SET metadata = ?2, version = ?3, updated_at = ?4 WHERE id = ?1",
              &self->run) ||
      prepare(self,
              "UPDATE bots SET metadata = ?2, version = ?3, updated_at = ?4 WHERE id = ?1",
              &self->bot)) {
    fprintf(stderr, "baseline: %s\n", self->db ? sqlite3_errmsg(self->db) : "out of memory");
    baseline_close(self);
    return 0;
  }
  sqlite3_stmt *newest;
  prepare(self, "SELECT COALESCE(MAX(revision), 0) FROM changes", &newest);
  if (sqlite3_step(newest) == SQLITE_ROW) self->revision = sqlite3_column_int64(newest, 0);
  sqlite3_finalize(newest);
  return self;
}

void baseline_close(baseline *self) {
  sqlite3_stmt *all[] = {self->begin, self->commit, self->get, self->put,
                         self->change, self->list, self->run, self->bot};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
  sqlite3_close(self->db);
  free(self->keys);
  free(self);
}

int64_t baseline_namespace(baseline *self, const char *name) {
  sqlite3_stmt *find;
  int64_t id = 0;
  prepare(self, "SELECT id FROM namespaces WHERE name = ?1 AND cleared_at IS NULL", &find);
  sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
  if (sqlite3_step(find) == SQLITE_ROW) id = sqlite3_column_int64(find, 0);
  sqlite3_finalize(find);
  return id;
}

const char *baseline_pragma(baseline *self, const char *name) {
  char text[64];
  sqlite3_stmt *ask = 0;
  self->answer[0] = 0;
  snprintf(text, sizeof text, "PRAGMA %s", name);
  if (prepare(self, text, &ask) == SQLITE_OK && sqlite3_step(ask) == SQLITE_ROW)
    snprintf(self->answer, sizeof self->answer, "%s", (const char *)sqlite3_column_text(ask, 0));
  sqlite3_finalize(ask);
  return self->answer;
}

const char *baseline_version(void) { return sqlite3_libversion(); }

int64_t baseline_get(baseline *self, int64_t namespace_id, const int32_t *order, int count) {
  int64_t bytes = 0, start = nanoseconds();
  for (int i = 0; i < count; i++) {
    sqlite3_bind_int64(self->get, 1, namespace_id);
    sqlite3_bind_text(self->get, 2, self->keys[order[i]], KEY_BYTES, SQLITE_STATIC);
    if (sqlite3_step(self->get) != SQLITE_ROW) return -1;
    bytes += sqlite3_column_bytes(self->get, 0);
    sqlite3_reset(self->get);
  }
  return bytes > 0 ? nanoseconds() - start : -1;
}

static int put(
    baseline *self, int64_t namespace_id, const char *name, const char *key,
    const char *value, int64_t now) {
  sqlite3_bind_int64(self->put, 1, namespace_id);
  sqlite3_bind_text(self->put, 2, key, KEY_BYTES, SQLITE_STATIC);
  sqlite3_bind_int64(self->put, 3, self->revision);
  sqlite3_bind_int64(self->put, 4, now);
  sqlite3_bind_text(self->put, 5, value, -1, SQLITE_STATIC);
  sqlite3_bind_int64(self->change, 1, self->revision);
  sqlite3_bind_text(self->change, 2, "kv", 2, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 3, name, -1, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 4, key, KEY_BYTES, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 5, "put", 3, SQLITE_STATIC);
  sqlite3_bind_int64(self->change, 6, now);
  return step(self->put) || step(self->change);
}

int64_t baseline_put(
    baseline *self, int64_t namespace_id, const char *name, const int32_t *order, int count,
    int group, const char *value) {
  int64_t start = nanoseconds();
  for (int i = 0; i < count;) {
    if (step(self->begin)) return -1;
    for (int j = 0; j < group && i < count; j++, i++) {
      self->revision++;
      if (put(self, namespace_id, name, self->keys[order[i]], value, microseconds())) return -1;
    }
    if (step(self->commit)) return -1;
  }
  return nanoseconds() - start;
}

/// A row of a list, as a caller keeps it until it has read the whole list.
struct listed {
  char *key, *value, *description;
  int64_t version, created, updated, expires;
};

int64_t baseline_list(
    baseline *self, int64_t namespace_id, const char *from, const char *to, int *rows) {
  int64_t start = nanoseconds();
  int64_t bytes = 0;
  int room = 1000;
  struct listed *list = malloc(sizeof *list * (size_t)room);
  *rows = 0;
  sqlite3_bind_int64(self->list, 1, namespace_id);
  sqlite3_bind_text(self->list, 2, from, -1, SQLITE_STATIC);
  sqlite3_bind_text(self->list, 3, to, -1, SQLITE_STATIC);
  sqlite3_bind_int64(self->list, 4, microseconds());
  while (sqlite3_step(self->list) == SQLITE_ROW) {
    if (*rows == room) list = realloc(list, sizeof *list * (size_t)(room *= 2));
    struct listed *row = &list[(*rows)++];
    row->key = strdup((const char *)sqlite3_column_text(self->list, 0));
    row->version = sqlite3_column_int64(self->list, 1);
    row->created = sqlite3_column_int64(self->list, 2);
    row->updated = sqlite3_column_int64(self->list, 3);
    row->expires = sqlite3_column_int64(self->list, 4);
    const char *description = (const char *)sqlite3_column_text(self->list, 5);
    row->description = description ? strdup(description) : 0;
    row->value = strdup((const char *)sqlite3_column_text(self->list, 6));
  }
  sqlite3_reset(self->list);
  for (int i = 0; i < *rows; i++) {
    bytes += list[i].key[0] + list[i].value[0] + list[i].version;
    free(list[i].key);
    free(list[i].value);
    free(list[i].description);
  }
  free(list);
  return bytes > 0 ? nanoseconds() - start : -1;
}

static int update(
    baseline *self, sqlite3_stmt *statement, const char *kind, const char *name, const char *id,
    int64_t now) {
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 2, "{\"step\":1}", -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, self->revision);
  sqlite3_bind_int64(statement, 4, now);
  sqlite3_bind_int64(self->change, 1, self->revision);
  sqlite3_bind_text(self->change, 2, kind, -1, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 3, name, -1, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 4, id, -1, SQLITE_STATIC);
  sqlite3_bind_text(self->change, 5, "update", -1, SQLITE_STATIC);
  sqlite3_bind_int64(self->change, 6, now);
  return step(statement) || step(self->change);
}

int64_t baseline_transaction(
    baseline *self, int64_t namespace_id, const char *name, const int32_t *order, int count,
    const char *value) {
  int64_t start = nanoseconds();
  for (int i = 0; i < count; i++) {
    int64_t now = microseconds();
    if (step(self->begin)) return -1;
    self->revision++;
    for (int j = 0; j < 6; j++) {
      const char *key = self->keys[order[i * 6 + j]];
      if (put(self, namespace_id, name, key, value, now)) return -1;
    }
    if (update(self, self->run, "run", "run:bench-1", "bench-1", now) ||
        update(self, self->run, "run", "run:bench-2", "bench-2", now) ||
        update(self, self->bot, "bot", "bot:bench-1", "bench-1", now) ||
        update(self, self->bot, "bot", "bot:bench-2", "bench-2", now))
      return -1;
    if (step(self->commit)) return -1;
  }
  return nanoseconds() - start;
}

int64_t baseline_fsync(const char *path, int count) {
  char page[4096] = {1};
  int file = open(path, O_CREAT | O_RDWR, 0600);
  if (file < 0) return -1;
  int64_t start = nanoseconds();
  for (int i = 0; i < count; i++) {
    if (write(file, page, sizeof page) != sizeof page || fdatasync(file)) return -1;
  }
  int64_t taken = nanoseconds() - start;
  close(file);
  unlink(path);
  return taken;
}

int64_t baseline_write(const char *path, const uint8_t *bytes, size_t count) {
  int64_t start = nanoseconds();
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file < 0) return -1;
  for (size_t done = 0; done < count;) {
    ssize_t written = write(file, bytes + done, count - done);
    if (written <= 0) return -1;
    done += (size_t)written;
  }
  if (fsync(file) || close(file)) return -1;
  return nanoseconds() - start;
}

int64_t baseline_read(const char *path, size_t count) {
  enum { PIECE = 131072 };
  int64_t start = nanoseconds();
  int file = open(path, O_RDONLY);
  uint8_t *piece = malloc(PIECE);
  size_t done = 0;
  ssize_t got = -1;
  if (file < 0 || !piece) return -1;
  while ((got = read(file, piece, PIECE)) > 0) done += (size_t)got;
  free(piece);
  close(file);
  return got == 0 && done == count ? nanoseconds() - start : -1;
}
