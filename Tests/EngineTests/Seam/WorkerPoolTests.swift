import HoldfastEngine
import NIOConcurrencyHelpers
import Testing

/// How the jobs of a pool find its threads, and what stays of them.
@Suite(.timeLimit(.minutes(5))) struct WorkerPoolTests {
  /// Something that a job holds.
  private final class Token: Sendable {}

  private struct Weak: Sendable {
    weak var token: Token?
  }

  /// Goal: a job never waits for one that runs while another thread may be started.
  ///
  /// Method: a job that ends only when a second one has run; the second is handed over at about the
  /// moment at which a thread takes the first, a little later in each round.
  @Test func `a job does not wait behind one that runs`() throws {
    for round in 0..<4_000 {
      let pool = WorkerPool(name: "test", threadsMax: 2)
      let isOpen = Monitor(false)
      let hasMet = Monitor<Bool?>(nil)
      try pool.submit {
        let met = isOpen.wait(atMost: .seconds(10)) { $0 ? true : nil } != nil
        hasMet.change { $0 = met }
      }
      // A lock taken in vain is some ten nanoseconds; a thread begins within about a thousand.
      var turns = round % 400 * 10
      while turns > 0 { turns = isOpen.withLock { _ in turns - 1 } }
      try pool.submit { isOpen.change { $0 = true } }
      let met = hasMet.wait { $0 } ?? false
      pool.close()
      try #require(met, "round \(round)")
    }
  }

  /// Goal: a job that was done is not kept by the pool, also where another always waits.
  ///
  /// Method: each job hands over one before it ends, while another waits already; the last looks at
  /// what the earlier ones held.
  @Test func `a pool that always has work keeps no job that was done`() throws {
    let pool = WorkerPool(name: "test", threadsMax: 1)
    let tokens = NIOLockedValueBox<[Weak]>([])
    let kept = Monitor<Int?>(nil)
    let gate = Monitor(false)
    @Sendable func submit(_ number: Int) throws {
      let token = Token()
      tokens.withLockedValue { $0.append(Weak(token: token)) }
      try pool.submit {
        withExtendedLifetime(token) {}
        if number == 0 { _ = gate.wait { $0 ? () : nil } }
        if number < 300 { try? submit(number + 2) }
        if number == 300 {
          let count = tokens.withLockedValue { $0.prefix(290).count { $0.token != nil } }
          kept.change { $0 = count }
        }
      }
    }
    try submit(0)
    try submit(1)
    gate.change { $0 = true }
    #expect(kept.wait { $0 } == 0)
    pool.close()
  }

  /// Goal: a pool that nobody has any more keeps no thread.
  ///
  /// Method: a job leaves something with its thread that is taken away at the thread's end; then
  /// the pool is dropped without a close.
  @Test func `a pool that is dropped ends its threads`() throws {
    let hasEnded = Monitor(false)
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      let value: UnsafeMutableRawPointer? = pointer
      guard let place = value else { return }
      Unmanaged<Monitor<Bool>>.fromOpaque(place).takeRetainedValue().change { $0 = true }
    }
    defer { pthread_key_delete(key) }
    let owned = key
    try Self.useOnce { _ = pthread_setspecific(owned, Unmanaged.passRetained(hasEnded).toOpaque()) }
    #expect(hasEnded.wait(atMost: .seconds(10)) { $0 ? true : nil } == true)
  }

  /// Makes a pool, has it do one job, and drops it.
  private static func useOnce(_ job: @escaping @Sendable () -> Void) throws {
    let isDone = Monitor(false)
    let pool = WorkerPool(name: "test", threadsMax: 1)
    try pool.submit {
      job()
      isDone.change { $0 = true }
    }
    _ = isDone.wait { $0 ? () : nil }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
