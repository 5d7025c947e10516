import HoldfastCore
import NIOConcurrencyHelpers

/// The one thread of an engine that writes.
///
/// Invariants: the writer's connection and the checkpointer's are used by this thread only; every
/// group and every checkpoint runs while this engine holds the turn.
final class SQLiteWriter: @unchecked Sendable {
  // Unchecked: `group`, `checkpointer` and `turnWaitLongest` are touched by the writer's thread
  // only, and by `finish()` after that thread has ended; `shared` has a lock of its own.

  let queue: WriteQueue
  private let turn: TurnLock
  private let group: WriteGroup
  private var checkpointer: Checkpointer
  private let connection: SQLiteConnection
  private let wal: WALIndex
  private let pool: SnapshotPool
  private let watch: CommitWatch
  private let busyWaitMax: Duration
  private var turnWaitLongest = Duration.zero
  private let shared = NIOLockedValueBox(WriterStatistics())
  private let thread = NIOLockedValueBox<WorkerThread?>(nil)

  init(
    queue: WriteQueue, turn: TurnLock, group: WriteGroup, checkpointer: Checkpointer,
    connection: SQLiteConnection, wal: WALIndex, pool: SnapshotPool, watch: CommitWatch,
    busyWaitMax: Duration
  ) {
    self.queue = queue
    self.turn = turn
    self.group = group
    self.checkpointer = checkpointer
    self.connection = connection
    self.wal = wal
    self.pool = pool
    self.watch = watch
    self.busyWaitMax = busyWaitMax
  }

  /// Starts the thread.
  func start() throws(StoreError) {
    let started = try WorkerThread(name: "holdfast-write") { [self] in work() }
    thread.withLockedValue { $0 = started }
  }

  /// What the writer has done so far.
  var statistics: WriterStatistics { shared.withLockedValue { $0 } }

  /// Finishes what waits, copies the log, and ends.
  ///
  /// It blocks until that is done.
  func finish() {
    queue.close()
    thread.withLockedValue { $0 }?.join()
    // Where another process keeps the turn, the log stays as it is: whoever opens next reads it.
    guard (try? turn.take(within: min(busyWaitMax, Self.lastTurnWaitMax))) != nil else { return }
    checkpointer.run(isLast: true) {}
    turn.giveUp()
  }

  private static let lastTurnWaitMax = Duration.milliseconds(500)

  /// Closes the connections, after ``finish()``, as the last of this engine's.
  func close() {
    checkpointer.close()
    connection.close()
  }

  private func work() {
    while queue.waitForCalls() {
      guard takeTurn() else { continue }
      if group.run() { watch.committed() }
      if checkpointer.isDue() { checkpoint() }
      turn.giveUp()
      publish()
    }
  }

  private func checkpoint() {
    let before = wal.read()
    checkpointer.run { pool.letGoIdle() }
    group.checkpointed(from: before)
  }

  /// Takes the turn, for as long as there is somebody to wait for it.
  ///
  /// - Returns: Whether it was taken; if not, nobody waits any more.
  private func takeTurn() -> Bool {
    let clock = SystemTimeSource()
    let start = clock.monotonicTime()
    rejectOld(at: start)
    let isTaken = turn.take { rejectOld(at: clock.monotonicTime()) }
    turnWaitLongest = max(turnWaitLongest, clock.monotonicTime() - start)
    return isTaken
  }

  /// Refuses the calls that have waited for too long.
  ///
  /// - Parameter now: The system's monotonic clock.
  /// - Returns: Whether others wait.
  @discardableResult
  private func rejectOld(at now: Duration) -> Bool {
    let (calls, isEmpty) = queue.takeOlder(than: now - busyWaitMax)
    for call in calls { call.reject(TurnLock.busy) }
    return !isEmpty
  }

  private func publish() {
    var statistics = group.statistics
    statistics.busyWaitLongest = connection.busyWaitLongest
    statistics.turnWaitLongest = turnWaitLongest
    statistics.checkpoints = checkpointer.statistics
    shared.withLockedValue { $0 = statistics }
  }
}
