import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct WorkerTests {
  /// Goal: a pool runs every job once, on no more threads than it may have, and its close waits.
  ///
  /// Method: a hundred jobs on three threads note how many run at the same time; after the close
  /// all of them have run, and a further one is refused.
  @Test func `a pool runs every job on a bounded number of threads`() throws {
    let pool = WorkerPool(name: "test", threadsMax: 3)
    let seen = NIOLockedValueBox((running: 0, most: 0, done: 0))
    for _ in 0..<100 {
      try pool.submit {
        seen.withLockedValue {
          $0.running += 1
          $0.most = max($0.most, $0.running)
        }
        seen.withLockedValue {
          $0.running -= 1
          $0.done += 1
        }
      }
    }
    pool.close()
    let (running, most, done) = seen.withLockedValue { $0 }
    #expect(running == 0)
    #expect(done == 100)
    #expect(most <= 3)
    #expect(throws: StoreError.self) { try pool.submit {} }
  }

  /// Goal: a wait ends when its time is over, and with the value when there is one.
  ///
  /// Method: wait for what never comes, then for what another thread brings.
  @Test func `a monitor wakes who waits and gives up in time`() throws {
    let monitor = Monitor(0)
    let missed: Int? = monitor.wait(atMost: .microseconds(200)) { $0 > 0 ? $0 : nil }
    #expect(missed == nil)
    let thread = try WorkerThread(name: "test") { monitor.change { $0 = 7 } }
    #expect(monitor.wait { $0 > 0 ? $0 : nil } == 7)
    thread.join()
  }

  /// Goal: who joins a thread also waits until what libraries keep for the thread is taken away.
  ///
  /// Method: a value of the thread's own, whose removal takes its time.
  @Test func `a join waits for the end of the thread itself`() throws {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      for _ in 0..<1_000 { sched_yield() }
      let pointer: UnsafeMutableRawPointer? = pointer
      pointer?.storeBytes(of: 1, as: Int.self)
    }
    defer { pthread_key_delete(key) }
    let removals = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    defer { removals.deallocate() }
    removals.initialize(to: 0)
    let (owned, place) = (key, Int(bitPattern: removals))
    let thread = try WorkerThread(name: "test") {
      pthread_setspecific(owned, UnsafeRawPointer(bitPattern: place))
    }
    thread.join()
    thread.join()
    #expect(removals.pointee == 1)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
