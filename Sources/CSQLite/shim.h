// The C clients' header, and what Swift cannot say itself: calls with variable arguments, memory
// that other processes write, and constants that the C library hides behind feature macros.
#ifndef HOLDFAST_CSQLITE_SHIM_H
#define HOLDFAST_CSQLITE_SHIM_H
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

/// Names the calling thread for debuggers; at most fifteen bytes count.
static inline void holdfast_name_thread(const char *name) {
#ifdef __linux__
  prctl(PR_SET_NAME, name);
#else
  extern int pthread_setname_np(const char *);
  pthread_setname_np(name);
#endif
}

// MARK: The WAL-index header

/// The WAL-index header as it stood at one moment: the first of its two copies, and how many frames
/// of the log are in the database. SQLite's file format document fixes this layout.
typedef struct {
  /// The 48 bytes of the header, which identify one state of the database.
  uint64_t words[6];
  /// How many frames a checkpoint has copied.
  uint32_t backfilled;
  /// Whether the two copies agreed, so that `words` is whole.
  bool whole;
} holdfast_wal_header;

/// Reads the header from region 0 of the WAL index. Writers fill the second copy first, so reading
/// the first copy first and finding both equal means that no writer was in between.
static inline holdfast_wal_header holdfast_wal_header_read(const volatile void *region) {
  const volatile uint64_t *shared = (const volatile uint64_t *)region;
  holdfast_wal_header header;
  for (int i = 0; i < 6; i++) header.words[i] = shared[i];
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  header.whole = true;
  for (int i = 0; i < 6; i++) header.whole &= shared[6 + i] == header.words[i];
  header.backfilled = ((const volatile uint32_t *)region)[24];
  // The byte isInit: a header of zeros, before recovery, is no header.
  header.whole &= ((const uint8_t *)header.words)[12] != 0;
  return header;
}

/// Whether two headers show the same state of the database.
static inline bool holdfast_wal_header_same(
    const holdfast_wal_header *one, const holdfast_wal_header *other) {
  return memcmp(one->words, other->words, sizeof one->words) == 0;
}

/// How many commits the header counted; grows by one with each, not with checkpoints.
static inline uint32_t holdfast_wal_header_commits(const holdfast_wal_header *header) {
  return (uint32_t)header->words[1];
}

/// How many frames of the log are valid.
static inline uint32_t holdfast_wal_header_frames(const holdfast_wal_header *header) {
  return (uint32_t)header->words[2];
}

/// Where the WAL index of a connection is mapped; NULL before its first read transaction. It stays
/// where it is until the last connection of the process to this file is closed.
static inline const volatile void *holdfast_wal_region(sqlite3 *database) {
  sqlite3_file *file = NULL;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK)
    return NULL;
  if (file == NULL || file->pMethods == NULL || file->pMethods->iVersion < 2) return NULL;
  volatile void *region = NULL;
  if (file->pMethods->xShmMap(file, 0, 32768, 0, &region) != SQLITE_OK) return NULL;
  return region;
}

// MARK: Failures

static inline bool holdfast_file_failed(sqlite3_file *file) {
  int error = 0;
  return file != NULL && file->pMethods != NULL
      && file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK
      && error == EIO;
}

/// Whether the system has failed to read the database or its log through this connection. SQLite
/// calls that damage when it happens inside a statement.
static inline bool holdfast_read_failed(sqlite3 *database) {
  sqlite3_file *file = NULL, *log = NULL;
  sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return holdfast_file_failed(file) || holdfast_file_failed(log);
}

// MARK: Settings with variable arguments

/// Keeps the close of a connection from checkpointing by itself.
static inline int holdfast_no_checkpoint_on_close(sqlite3 *database) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Gives a connection small memory of its own, so that statements need not ask the allocator.
static inline int holdfast_lookaside(sqlite3 *database, int size, int count) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_LOOKASIDE, (void *)0, size, count);
}

/// Refuses writes to the schema's own tables and other ways of damaging a file by SQL.
static inline int holdfast_defensive(sqlite3 *database) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}

/// Binds a text that stays where it is until the statement is reset.
static inline int holdfast_bind_text(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_text64(
      statement, index, count == 0 ? "" : (const char *)bytes, count, SQLITE_STATIC, SQLITE_UTF8);
}

/// Binds bytes that stay where they are until the statement is reset.
static inline int holdfast_bind_blob(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(statement, index, count == 0 ? "" : bytes, count, SQLITE_STATIC);
}

// MARK: Files

#ifndef F_OFD_SETLK
#ifdef __linux__
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#else
#define F_OFD_SETLK 90
#define F_OFD_GETLK 92
#endif
#endif

static inline struct flock holdfast_byte(off_t byte, short kind) {
  struct flock lock;
  memset(&lock, 0, sizeof lock);
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

/// Takes or gives back one byte of a file for the open file, not for the process: a lock of the
/// process would go with the first descriptor of the file that anybody in it closes.
static inline int holdfast_lock_byte(int file, off_t byte, short kind) {
  struct flock lock = holdfast_byte(byte, kind);
  return fcntl(file, F_OFD_SETLK, &lock);
}

/// Whether nobody else holds one byte of a file.
static inline bool holdfast_byte_is_free(int file, off_t byte) {
  struct flock lock = holdfast_byte(byte, F_WRLCK);
  return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

/// The kind of the file system that a path is on: its magic number on Linux; elsewhere 0 for a
/// local one and 0x6969, the number of NFS, for any other. A negative number is a failure.
static inline int64_t holdfast_file_system(const char *path) {
  struct statfs system;
  if (statfs(path, &system) != 0) return -1;
#ifdef __linux__
  return (int64_t)(uint32_t)system.f_type;
#else
  return system.f_flags & MNT_LOCAL ? 0 : 0x6969;
#endif
}

/// Begins to watch a file for writes and for being replaced; a negative number is a failure.
static inline int holdfast_watch_open(void) {
#ifdef __linux__
  return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
#else
  return -1;
#endif
}

/// Adds a file to what ``holdfast_watch_open`` watches; a negative number is a failure.
static inline int holdfast_watch_add(int watch, const char *path) {
#ifdef __linux__
  return inotify_add_watch(watch, path, IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB);
#else
  return -1;
#endif
}

/// Takes all waiting events: bit 0 of the result says that there was one, bit 1 that the file was
/// removed or replaced, so that it must be added again.
static inline int holdfast_watch_drain(int watch) {
  int seen = 0;
#ifdef __linux__
  char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
  ssize_t count;
  while ((count = read(watch, buffer, sizeof buffer)) > 0) {
    for (char *at = buffer; at < buffer + count;) {
      const struct inotify_event *event = (const struct inotify_event *)at;
      if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_IGNORED | IN_Q_OVERFLOW))
        seen |= 2;
      seen |= 1;
      at += sizeof *event + event->len;
    }
  }
#endif
  return seen;
}

/// Waits until one of two files can be read, or the time in milliseconds is over (-1: for ever).
/// A negative file is left out.
static inline void holdfast_poll(int one, int other, int milliseconds) {
  struct pollfd files[2] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
  poll(files, 2, milliseconds);
}
#endif
