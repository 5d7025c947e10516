// What the machine can do at best: the same rows written and read with the bare C API.
#ifndef HOLDFAST_BASELINE_H
#define HOLDFAST_BASELINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct baseline baseline;

/// Opens a store's file with the settings that Holdfast makes, and prepares the text of `keys` keys
/// (`key-00000000` and on), so that no loop below has to; NULL when that fails.
baseline *baseline_open(const char *path, int keys);
void baseline_close(baseline *self);
/// The number of a namespace's row; 0 when there is none.
int64_t baseline_namespace(baseline *self, const char *name);
/// What a pragma of the open connection says, as text; empty when it says nothing.
const char *baseline_pragma(baseline *self, const char *name);

/// Each call below returns the nanoseconds it took, or -1 on an error.

/// Reads `count` values by key, each in its own implicit transaction; `order` says which.
int64_t baseline_get(baseline *self, int64_t namespace_id, const int32_t *order, int count);
/// Writes entry and feed row `count` times, `group` of them in a transaction.
int64_t baseline_put(
    baseline *self, int64_t namespace_id, const char *namespace_name, const int32_t *order, int count,
    int group, const char *value);
/// Reads all keys with their values that begin with a prefix into a list of copies, and frees it.
int64_t baseline_list(baseline *self, int64_t namespace_id, const char *from, const char *to, int *rows);
/// Runs `count` transactions of ten writes: six keys, two updates of a run, two of a bot.
int64_t baseline_transaction(
    baseline *self, int64_t namespace_id, const char *namespace_name, const int32_t *order, int count,
    const char *value);
/// Appends 4 KiB to a file and syncs it, `count` times.
int64_t baseline_fsync(const char *path, int count);
/// Writes a file and flushes it.
int64_t baseline_write(const char *path, const uint8_t *bytes, size_t count);
/// Reads a file of `count` bytes, 128 KiB at a time, as Holdfast hands it out.
int64_t baseline_read(const char *path, size_t count);

/// The version of the SQLite library.
const char *baseline_version(void);

#endif
