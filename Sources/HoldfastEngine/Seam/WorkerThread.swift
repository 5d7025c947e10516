import CSQLite
package import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A named thread of the engine's own, for work that blocks: nothing that blocks ever runs on the
/// cooperative pool.
package final class WorkerThread: Sendable {
  private let ended = Monitor(false)

  /// The stack of a thread in bytes; the default of some C libraries is too small for a body that
  /// encodes deeply nested values.
  private static let stackBytes = 4 << 20

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: Shown by debuggers; at most fifteen characters of ASCII.
  ///   - work: What the thread does; the thread ends with it.
  /// - Throws: `unavailable` if the system gives no more threads.
  package init(name: String, _ work: @escaping @Sendable () -> Void) throws(StoreError) {
    let ended = ended
    let start = ThreadStart(name: name) {
      work()
      ended.change { $0 = true }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let argument = Unmanaged.passRetained(start)
    let failure = create(&attributes, argument.toOpaque())
    guard failure == 0 else {
      argument.release()
      throw StoreError(
        .unavailable, "The system gives no more threads (error \(failure)).",
        hint: "Raise the limit of threads, then try again.")
    }
  }

  /// Waits until the work is done; must not be called by the thread itself.
  package func join() {
    _ = ended.wait { $0 ? () : nil }
  }
}

/// What a new thread needs to begin.
private final class ThreadStart: Sendable {
  let name: String
  let work: @Sendable () -> Void

  init(name: String, work: @escaping @Sendable () -> Void) {
    self.name = name
    self.work = work
  }

  func run() {
    holdfast_name_thread(name)
    work()
  }
}

/// Creates the thread; a function of its own because the C signatures differ.
private func create(
  _ attributes: UnsafePointer<pthread_attr_t>, _ argument: UnsafeMutableRawPointer
) -> Int32 {
  #if canImport(Darwin)
    var thread: pthread_t?
    return pthread_create(&thread, attributes, { begin($0) }, argument)
  #else
    var thread = pthread_t()
    return pthread_create(&thread, attributes, { $0.flatMap(begin) }, argument)
  #endif
}

private func begin(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}

/// A bounded number of threads that take jobs in the order in which they came.
///
/// Threads start when there is work for them and then stay, asleep, until the pool is closed.
package final class WorkerPool: Sendable {
  package typealias Job = @Sendable () -> Void

  private struct State {
    var jobs: [Job] = []
    /// How many of `jobs` are done with; cut off in one go, so that taking one costs no shifting.
    var taken = 0
    var threads: [WorkerThread] = []
    var idle = 0
    var isClosed = false

    var waiting: Int { jobs.count - taken }

    mutating func next() -> Job? {
      guard taken < jobs.count else { return nil }
      let job = jobs[taken]
      taken += 1
      if taken == jobs.count {
        jobs.removeAll(keepingCapacity: jobs.count < 1_024)
        taken = 0
      }
      return job
    }
  }

  private let name: String
  private let threadsMax: Int
  private let state = Monitor(State())

  /// Makes a pool without any thread.
  ///
  /// - Parameters:
  ///   - name: The threads' name, at most fifteen characters of ASCII.
  ///   - threadsMax: How many jobs run at once, at least 1.
  package init(name: String, threadsMax: Int) {
    precondition(threadsMax >= 1, "a pool of \(threadsMax) threads does nothing")
    self.name = name
    self.threadsMax = threadsMax
  }

  /// Hands over a job.
  ///
  /// - Parameter job: It runs once, on a thread of the pool.
  /// - Throws: `closed` after ``close()``, `unavailable` if no thread can be had; the job is not
  ///   run.
  package func submit(_ job: @escaping Job) throws(StoreError) {
    let refusal: StoreError? = state.change { state in
      guard !state.isClosed else { return StoreError(.closed, "The store is closed.") }
      if state.idle <= state.waiting, state.threads.count < threadsMax {
        do throws(StoreError) {
          state.threads.append(
            try WorkerThread(name: name) { [state = self.state] in Self.work(state) })
        } catch {
          guard !state.threads.isEmpty else { return error }
        }
      }
      state.jobs.append(job)
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Finishes the jobs that were handed over, then ends the threads.
  ///
  /// Blocks until that is done.
  package func close() {
    let threads = state.change { state in
      state.isClosed = true
      defer { state.threads = [] }
      return state.threads
    }
    for thread in threads { thread.join() }
  }

  private static func work(_ state: Monitor<State>) {
    while true {
      state.withLock { $0.idle += 1 }
      let job: Job?? = state.wait { state in
        if let job = state.next() { return .some(.some(job)) }
        return state.isClosed ? .some(.none) : nil
      }
      state.withLock { $0.idle -= 1 }
      guard case .some(.some(let job)) = job else { return }
      job()
    }
  }
}
