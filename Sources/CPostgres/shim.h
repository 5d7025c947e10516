#ifndef HOLDFAST_CPOSTGRES_SHIM_H
#define HOLDFAST_CPOSTGRES_SHIM_H
#include <errno.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

// epoll speaks in unions and packed structures, which read badly from Swift: these few functions are
// all of it that the poller of the PostgreSQL engine needs.

/// A new epoll instance, closed on exec; -1 with errno on failure.
static inline int holdfast_epoll_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// A new counter to wake a poller with, closed on exec; -1 with errno on failure.
static inline int holdfast_wake_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Wakes the poller that watches the counter.
static inline void holdfast_wake_ring(int counter) {
  uint64_t one = 1;
  ssize_t written = write(counter, &one, sizeof one);
  (void)written; // A full counter has rung already.
}

/// Makes the counter quiet again.
static inline void holdfast_wake_hush(int counter) {
  uint64_t count;
  ssize_t taken = read(counter, &count, sizeof count);
  (void)taken; // An empty counter is quiet already.
}

/// Begins to watch a descriptor, level-triggered, for input; 0, or -1 with errno.
static inline int holdfast_epoll_add(int poll, int descriptor, uint64_t token) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = token}};
  return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}

/// Watches for room to write too, or no longer; 0, or -1 with errno.
static inline int holdfast_epoll_writes(int poll, int descriptor, uint64_t token, int writes) {
  struct epoll_event event = {
      .events = EPOLLIN | EPOLLRDHUP | (writes ? EPOLLOUT : 0), .data = {.u64 = token}};
  return epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event);
}

/// No longer watches a descriptor; 0, or -1 with errno.
static inline int holdfast_epoll_remove(int poll, int descriptor) {
  struct epoll_event unused = {0};
  return epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &unused);
}

/// Waits, and writes the tokens of the descriptors that are ready; how many, 0 after a signal.
static inline int holdfast_epoll_wait(int poll, uint64_t *tokens, int room, int milliseconds) {
  struct epoll_event events[64];
  int count = epoll_wait(poll, events, room < 64 ? room : 64, milliseconds);
  for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
  return count < 0 && errno == EINTR ? 0 : count;
}
#endif
