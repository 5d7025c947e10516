import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers
import Testing

@Suite struct WorkerTests {
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
}
