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
  /// Who waits for the end of the thread.
  private enum Joining {
    case nobody
    case somebody
    case done
  }

  private let joining = Monitor(Joining.nobody)
  private let thread: Handle

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
    let start = ThreadStart(name: name, work: work)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackBytes)
    let argument = Unmanaged.passRetained(start)
    do throws(StoreError) {
      thread = try create(&attributes, argument.toOpaque())
    } catch {
      argument.release()
      throw error
    }
  }

  deinit {
    // Nobody can ask for it any more: its end takes everything away.
    if joining.withLock({ $0 == .nobody }) { pthread_detach(thread.id) }
  }

  /// Waits until the thread is gone, and with it what libraries keep for each thread: they may take
  /// that away when the process ends, which must not happen at the same time.
  ///
  /// It must not be called by the thread itself.
  package func join() {
    let isFirst = joining.withLock { joining in
      defer { if joining == .nobody { joining = .somebody } }
      return joining == .nobody
    }
    if isFirst {
      pthread_join(thread.id, nil)
      joining.change { $0 = .done }
    } else {
      _ = joining.wait { $0 == .done ? () : nil }
    }
  }
}

/// A thread as the system names it: a number on Linux, a pointer elsewhere.
// Unchecked: the name never changes, and the system's calls take it on any thread.
private struct Handle: @unchecked Sendable {
  let id: pthread_t
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
) throws(StoreError) -> Handle {
  #if canImport(Darwin)
    var thread: pthread_t?
    let failure = pthread_create(&thread, attributes, { begin($0) }, argument)
    if failure == 0, let thread { return Handle(id: thread) }
  #else
    var thread = pthread_t()
    let failure = pthread_create(&thread, attributes, { $0.flatMap(begin) }, argument)
    if failure == 0 { return Handle(id: thread) }
  #endif
  throw StoreError(
    .unavailable, "The system gives no more threads (error \(failure)).",
    hint: "Raise the limit of threads, then try again.")
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
    var jobs = Queue<Job>()
    var threads: [WorkerThread] = []
    /// How many threads have no job, those included that are about to begin.
    ///
    /// A thread and its job find each other in one step, so this many of `jobs` begin without
    /// waiting for another.
    var idle = 0
    var isClosed = false
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

  deinit {
    // Who forgets to close must not keep threads for ever: they end by themselves.
    state.change { state in
      state.isClosed = true
      state.threads = []
    }
  }

  /// Hands over a job.
  ///
  /// - Parameter job: It runs once, on a thread of the pool.
  /// - Returns: Whether it has to wait until another job ends.
  /// - Throws: `closed` after ``close()``, `unavailable` if no thread can be had; the job is not
  ///   run.
  @discardableResult
  package func submit(_ job: @escaping Job) throws(StoreError) -> Bool {
    let outcome: Result<Bool, StoreError> = state.change { state in
      guard !state.isClosed else {
        return .failure(StoreError(.closed, "The store is closed."))
      }
      if state.idle <= state.jobs.count, state.threads.count < threadsMax {
        do throws(StoreError) {
          state.threads.append(
            try WorkerThread(name: name) { [state = self.state] in Self.work(state) })
          state.idle += 1
        } catch {
          guard !state.threads.isEmpty else { return .failure(error) }
        }
      }
      state.jobs.append(job)
      return .success(state.jobs.count > state.idle)
    }
    return try outcome.get()
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
    while let job = next(state) {
      job()
      state.withLock { $0.idle += 1 }
    }
  }

  /// Waits for a job; `nil` when the pool is closed and none is left.
  private static func next(_ state: Monitor<State>) -> Job? {
    let found: Job?? = state.wait { state in
      if let job = state.jobs.popFirst() {
        state.idle -= 1
        return .some(.some(job))
      }
      return state.isClosed ? .some(.none) : nil
    }
    guard case .some(.some(let job)) = found else { return nil }
    return job
  }
}
