// A disk that fails on demand: loaded before the C library of a child process, it stands between
// SQLite and the system. The test that started the child maps the file of orders too and writes it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

// Each is the error to give, or 0 for none. `kill_after`, when it is not 0, counts calls that write
// or sync; at the last one the process dies, with half of the bytes written.
struct orders {
  _Atomic int sync_error;
  _Atomic int write_error;
  _Atomic int read_error;
  _Atomic int kill_after;
  _Atomic int calls;
};

static struct orders none;
static struct orders *orders = &none;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("HOLDFAST_FAULTS");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) abort();
  void *map = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) abort();
  close(file);
  orders = map;
}

#define REAL(type, name) \
  static type real;      \
  if (real == NULL) real = (type)dlsym(RTLD_NEXT, name)

static int is_last(void) {
  atomic_fetch_add(&orders->calls, 1);
  if (atomic_load(&orders->kill_after) <= 0) return 0;
  return atomic_fetch_sub(&orders->kill_after, 1) == 1;
}

static int fails(_Atomic int *order) {
  int error = atomic_load(order);
  if (error == 0) return 0;
  errno = error;
  return 1;
}

typedef ssize_t (*write_call)(int, const void *, size_t, off_t);
typedef ssize_t (*read_call)(int, void *, size_t, off_t);
typedef int (*file_call)(int);

static ssize_t do_write(write_call real, int file, const void *bytes, size_t count, off_t place) {
  if (is_last()) {
    real(file, bytes, count / 2, place);
    kill(getpid(), SIGKILL);
  }
  if (fails(&orders->write_error)) return -1;
  return real(file, bytes, count, place);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t place) {
  REAL(write_call, "pwrite");
  return do_write(real, file, bytes, count, place);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
  REAL(write_call, "pwrite64");
  return do_write(real, file, bytes, count, place);
}

ssize_t pread(int file, void *bytes, size_t count, off_t place) {
  REAL(read_call, "pread");
  return fails(&orders->read_error) ? -1 : real(file, bytes, count, place);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t place) {
  REAL(read_call, "pread64");
  return fails(&orders->read_error) ? -1 : real(file, bytes, count, place);
}

static int do_sync(file_call real, int file) {
  if (is_last()) kill(getpid(), SIGKILL);
  return fails(&orders->sync_error) ? -1 : real(file);
}

int fdatasync(int file) {
  REAL(file_call, "fdatasync");
  return do_sync(real, file);
}

int fsync(int file) {
  REAL(file_call, "fsync");
  return do_sync(real, file);
}
