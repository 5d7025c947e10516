import HoldfastCore

/// Runs writes in groups: many bodies, one transaction, one flush.
///
/// Invariants:
/// - No answer, not even an error, leaves before the COMMIT that decides about it is settled: what
///   a body saw of its neighbours may still vanish.
/// - A body that fails leaves nothing behind and disturbs no neighbour.
/// - Where SQLite drops the whole transaction, or the COMMIT fails, each body runs once more,
///   alone.
/// - After a COMMIT that failed in writing or flushing, a body is answered as usual only if its
///   rerun committed. Every other is `uncertain`, for the frames of the first try may be found in
///   the log and be recovered at the next opening.
/// - A revision that a failed body drew is drawn again.
/// - The caller holds the turn.
final class WriteGroup {
  private let connection: SQLiteConnection
  private let wal: WALIndex
  private let queue: WriteQueue
  private let options: EngineOptions
  /// The newest migration that this process knows.
  private let migration: Int64

  /// The bodies that ran in the open transaction.
  private var calls: [WriteCall] = []
  private var gathering = GroupGathering()
  /// Whether one of them has written something that is to stay.
  private var keepsSomething = false
  /// The state of the database after the last commit of this process, if nobody else's came
  /// between.
  private var known: WALHeader?
  /// The state in which the open transaction began.
  private var began: WALHeader
  private var revisionAtBegin: Int64 = 0
  private var isRelaxed = false
  private(set) var statistics = WriterStatistics()

  init(
    _ connection: SQLiteConnection, wal: WALIndex, queue: WriteQueue, options: EngineOptions,
    migration: Int
  ) {
    self.connection = connection
    self.wal = wal
    self.queue = queue
    self.options = options
    self.migration = Int64(migration)
    began = wal.read()
    calls.reserveCapacity(options.groupBodiesMax)
  }

  /// Runs one group of what waits.
  ///
  /// - Returns: Whether something was committed.
  func run() -> Bool {
    let relaxed = queue.isRelaxed
    guard let first = queue.next(relaxedOnly: relaxed) else { return false }
    let groups = statistics.groups
    do throws(StoreError) {
      try setDurability(relaxed: relaxed)
      try begin()
      fill(from: first, relaxed: relaxed)
    } catch {
      connection.rollBack()
      first.reject(error)
    }
    calls.removeAll(keepingCapacity: true)
    return statistics.groups > groups
  }

  /// Must be told when the state of the database changed by a checkpoint of this process.
  ///
  /// - Parameter header: The state before the checkpoint.
  func checkpointed(from header: WALHeader) {
    // A checkpoint that restarts the log writes a new header, yet it counts no commit.
    let now = wal.read()
    guard let known, known.shows(sameAs: header), now.isWhole, now.commits == header.commits else {
      known = nil
      return
    }
    self.known = now
  }
}

// MARK: A group

extension WriteGroup {
  private enum Fate {
    /// The body ran; its answer waits for the commit.
    case ran
    /// SQLite dropped the transaction.
    case lost
    /// The body failed and cannot be undone by itself: the group must be run again with savepoints.
    case tangled
  }

  /// Runs bodies until none waits or the group is full, then commits.
  private func fill(from first: WriteCall, relaxed: Bool) {
    let end = connection.clock.monotonic() + options.groupTimeMax
    var next: WriteCall? = first
    while let call = next {
      calls.append(call)
      switch run(call, isCareful: false) {
      case .ran: break
      case .lost: return runAlone(after: nil)
      case .tangled: return runCarefully()
      }
      guard calls.count < options.groupBodiesMax, connection.clock.monotonic() < end else { break }
      next = queue.next(relaxedOnly: relaxed)
      // What waits for no disk is not worth waiting for.
      if next == nil, !relaxed { next = gathering.next(from: queue) }
    }
    finish()
  }

  /// Runs the same bodies again, each in a savepoint.
  private func runCarefully() {
    statistics.reruns += 1
    do throws(StoreError) {
      undo()
      try begin()
    } catch {
      for call in calls { call.reject(error) }
      return
    }
    for call in calls where run(call, isCareful: true) != .ran { return runAlone(after: nil) }
    finish()
  }

  /// Runs one body in the open transaction.
  ///
  /// Nothing stands before the first one that could be lost with it, so it needs no savepoint; nor
  /// do known steps, which fail only with the database: then the group is run again, carefully. A
  /// body that fails before it has written anything leaves nothing to undo.
  private func run(_ call: WriteCall, isCareful: Bool) -> Fate {
    let isGuarded = keepsSomething && (isCareful || call.failsFreely)
    do throws(StoreError) {
      if isGuarded { try connection.run(Self.savepoint) }
      connection.beginBody()
      let ending = call.run(on: connection, options)
      guard !connection.isInAutocommit else { return .lost }
      switch ending {
      case .succeeded:
        if isGuarded { try connection.run(Self.release) }
        connection.keepRevision()
        keepsSomething = true
      case .failedUntouched where isGuarded, .failed where isGuarded:
        try connection.run(Self.rollBackTo)
        try connection.run(Self.release)
      case .failedUntouched: break
      case .failed where keepsSomething: return .tangled
      case .failed:
        undo()
        try begin()
      }
      return .ran
    } catch {
      return .lost
    }
  }

  /// Commits what the bodies wrote and answers them.
  private func finish() {
    do throws(StoreError) {
      try commit()
    } catch {
      undo()
      return runAlone(after: error)
    }
    statistics.bodies += calls.count
    statistics.groupLargest = max(statistics.groupLargest, calls.count)
    answer(calls)
  }

  /// Answers bodies whose commit is settled.
  private func answer(_ calls: some Collection<WriteCall>) {
    do throws(StoreError) {
      try options.probe?(.afterCommit)
      gathering.end(answering: calls.count, queue)
      if calls.count == 1 {
        for call in calls { call.settle() }
      } else {
        // Each caller that the writer wakes itself costs it a call of the system.
        let calls = Array(calls)
        Task { for call in calls { call.settle() } }
      }
    } catch {
      for call in calls { call.reject(error) }
    }
  }
}

// MARK: Alone

extension WriteGroup {
  /// Runs each body of a group that was lost once more, in a transaction of its own.
  ///
  /// - Parameter failedCommit: What the COMMIT of the group failed with, if it came so far.
  private func runAlone(after failedCommit: StoreError?) {
    undo()
    if calls.count == 1, failedCommit == nil, let call = calls.first, call.failure != nil {
      // It was alone already.
      call.settle()
      return
    }
    statistics.reruns += 1
    for call in calls { runAlone(call, after: failedCommit) }
  }

  private func runAlone(_ call: WriteCall, after failedCommit: StoreError?) {
    var doubt = failedCommit
    do throws(StoreError) {
      try begin()
      connection.beginBody()
      let ending = call.run(on: connection, options)
      if ending == .succeeded {
        connection.keepRevision()
        keepsSomething = true
        do throws(StoreError) {
          try commit()
        } catch {
          doubt = error
          throw error
        }
        statistics.bodies += 1
        answer(CollectionOfOne(call))
      } else {
        undo()
        if let doubt { call.reject(Self.uncertain(doubt)) } else { call.settle() }
      }
    } catch {
      undo()
      call.reject(doubt.map(Self.uncertain) ?? error)
    }
  }

  private static func uncertain(_ cause: StoreError) -> StoreError {
    let outcome = "The commit failed while it was written: it may be there after the next opening."
    guard cause.code == .exhausted else {
      return StoreError(.uncertain, outcome, details: cause.details, cause: cause)
    }
    // Repeating does not help before there is room again.
    return StoreError(
      .uncertain, "\(cause.message) \(outcome)",
      hint: "Make room, then repeat the call with the same idempotency key.",
      details: cause.details, cause: cause)
  }
}

// MARK: Transactions

extension WriteGroup {
  private static let beginImmediate = Statement("BEGIN IMMEDIATE")
  private static let commitStatement = Statement("COMMIT")
  private static let savepoint = Statement("SAVEPOINT body")
  private static let release = Statement("RELEASE body")
  private static let rollBackTo = Statement("ROLLBACK TO body")
  private static let newest = Statement(
    """
    SELECT revision, at
    FROM changes
    ORDER BY position DESC
    LIMIT 1
    """)

  private func begin() throws(StoreError) {
    try connection.run(Self.beginImmediate)
    keepsSomething = false
    began = wal.read()
    if known?.shows(sameAs: began) != true {
      try learnWhatOthersDid()
      known = began
    }
    revisionAtBegin = connection.newestRevision
  }

  /// Reads what another process may have changed since the last group of this one.
  private func learnWhatOthersDid() throws(StoreError) {
    try SQLiteMigrator.checkVersion(of: connection, is: migration)
    let newest = try connection.result(of: Step(Self.newest)).rows.first
    if let revision = newest?.first?.integer, let at = newest?.last?.integer {
      connection.newestRevision = max(connection.newestRevision, revision)
      connection.clock.raise(to: Instant(microseconds: at))
    }
    connection.knowsFloor = true
  }

  /// Commits, and notes the state that came of it.
  private func commit() throws(StoreError) {
    try options.probe?(.beforeCommit)
    try connection.run(Self.commitStatement)
    keepsSomething = false
    let now = wal.read()
    // One commit more is ours, none more means that nothing was written. Any other number means
    // that somebody who knows no turns has committed in between, and that there is something to
    // learn.
    let commits = now.commits &- began.commits
    known = now.isWhole && commits <= 1 ? now : nil
    statistics.groups += 1
  }

  /// Ends the open transaction without its changes.
  private func undo() {
    connection.rollBack()
    connection.newestRevision = revisionAtBegin
    keepsSomething = false
  }

  /// Sets whether the next commits are flushed; not possible inside a transaction.
  private func setDurability(relaxed: Bool) throws(StoreError) {
    guard relaxed != isRelaxed else { return }
    try connection.execute(relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL")
    isRelaxed = relaxed
  }
}
