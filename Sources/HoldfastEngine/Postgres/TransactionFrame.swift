import HoldfastCore

/// What stands around the statements of a transaction: locks on hot rows, the beginning with its
/// settings, the end, and the unlocking.
///
/// Each lock is a part of its own before the transaction, so that the snapshot is younger than the
/// lock; and each unlocking is one behind it, so that a failed transaction unlocks too. A lock on a
/// hot row that was not granted in time fails nothing: it spares conflicts, and the isolation level
/// alone keeps the promise. A door that could not be shut fails the transaction.
struct TransactionFrame: Sendable {
  /// How the transaction begins.
  enum Kind: Sendable {
    case serializable
    case readCommitted
    case reading
  }

  let kind: Kind
  /// Whether the commit may be acknowledged before it is on the disk.
  var relaxed = false
  /// The numbers of the advisory locks, ascending.
  var locks: [Int64] = []
  /// Whether the transaction must not run without its locks: it has doors shut.
  var needsLocks = false
  /// The store's time, where a source overrules the database's.
  var now: Instant?

  /// Whether a single statement needs no frame: it is a transaction by itself, and a session's own
  /// level is serializable.
  var isPlain: Bool { kind == .serializable && !relaxed && locks.isEmpty && now == nil }

  /// Adds the locks and the beginning.
  ///
  /// - Parameter pipeline: What they are added to.
  /// - Returns: The place of `BEGIN` in the answer.
  func open(_ pipeline: inout Pipeline) -> Int {
    for lock in locks {
      pipeline.add(Self.lock, [.integer(lock)])
      pipeline.sync()
    }
    let begin =
      switch kind {
      case .serializable: Self.beginSerializable
      case .readCommitted: Self.beginReadCommitted
      case .reading: Self.beginReading
      }
    let place = pipeline.add(begin)
    if relaxed { pipeline.add(Self.relax) }
    if let now { pipeline.add(Self.setNow, [.text(String(now.microseconds))]) }
    return place
  }

  /// Adds the end.
  ///
  /// - Parameters:
  ///   - pipeline: What it is added to.
  ///   - commits: Whether the transaction is committed, or rolled back.
  /// - Returns: The place of `COMMIT` or `ROLLBACK` in the answer.
  @discardableResult
  func close(_ pipeline: inout Pipeline, commits: Bool) -> Int {
    let place = pipeline.add(commits ? Self.commit : Self.rollback)
    pipeline.sync()
    unlock(&pipeline)
    return place
  }

  /// Adds the unlocking alone.
  ///
  /// - Parameter pipeline: What it is added to.
  func unlock(_ pipeline: inout Pipeline) {
    for lock in locks.reversed() { pipeline.add(Self.unlock, [.integer(lock)]) }
    if !locks.isEmpty { pipeline.sync() }
  }

  /// Sets the time of the transaction that is open.
  static let setNow = Statement(
    sqlite: "", postgres: "SELECT set_config('holdfast.now', $1, true)")

  private static let beginSerializable = Statement(
    sqlite: "", postgres: "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE")
  private static let beginReadCommitted = Statement(
    sqlite: "", postgres: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
  private static let beginReading = Statement(
    sqlite: "", postgres: "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY")
  private static let relax = Statement(sqlite: "", postgres: "SET LOCAL synchronous_commit = off")
  private static let commit = Statement(sqlite: "", postgres: "COMMIT")
  private static let rollback = Statement(sqlite: "", postgres: "ROLLBACK")
  private static let lock = Statement(sqlite: "", postgres: "SELECT pg_advisory_lock($1::BIGINT)")
  private static let unlock = Statement(
    sqlite: "", postgres: "SELECT pg_advisory_unlock($1::BIGINT)")
}

/// What became of one attempt at a transaction.
enum Attempt<Result: Sendable>: Sendable {
  case done(Result)
  /// The body threw; everything was rolled back.
  case threw(any Error)
  /// The database refused: certainly nothing was kept.
  case refused(DatabaseFailure)
  /// The connection broke, and certainly nothing was kept.
  case lost
  /// The connection broke after the commit was on its way.
  case uncertain
}

/// A transaction whose statements are all known beforehand, as one pipeline.
struct StepsPlan {
  private let frame: TransactionFrame
  private(set) var pipeline = Pipeline()
  /// Whether there is one statement only, without BEGIN and COMMIT around it.
  private let isBare: Bool
  /// The place of `BEGIN`, or of the bare statement.
  private let begin: Int
  private let steps: Range<Int>
  /// The place of `COMMIT`, or of the Sync that commits the bare statement.
  private let commit: Int

  init(_ frame: TransactionFrame, _ steps: [Step]) {
    self.frame = frame
    isBare = steps.count == 1 && frame.isPlain
    guard !isBare else {
      for step in steps { pipeline.add(step) }
      pipeline.sync()
      (begin, self.steps, commit) = (0, 0..<1, 1)
      return
    }
    begin = frame.open(&pipeline)
    let first = pipeline.parts.count
    for step in steps { pipeline.add(step) }
    self.steps = first..<pipeline.parts.count
    commit = frame.close(&pipeline, commits: true)
  }

  /// What the answer means.
  ///
  /// - Parameter answer: What came back.
  /// - Returns: What became of the transaction.
  func verdict(_ answer: Answer) -> Attempt<[RawResult]> {
    if isCommitted(answer) {
      return .done(
        answer.parts[steps].compactMap { part in
          if case .result(let result) = part { result } else { nil }
        })
    }
    for case .failed(let failure) in answer.parts[begin...commit] where failure.deniesCommit {
      // A session that the server ended, a restart for example, is as good as a broken connection.
      return answer.lost && !failure.isRetryable ? .lost : .refused(failure)
    }
    if answer.handedOver <= commit { return .lost }
    return answer.lost ? .uncertain : .refused(DatabaseFailure(state: "XX000"))
  }

  private func isCommitted(_ answer: Answer) -> Bool {
    switch answer.parts[commit] {
    case .result(let end): end.says("COMMIT")
    case .synced: isBare && answer.holds(begin)
    case .failed, .skipped: false
    }
  }

  /// What has to be run after a failed attempt before the session is fit for others; `nil` where
  /// nothing is left behind.
  ///
  /// - Parameter answer: What came back.
  /// - Returns: What to run, or `nil`.
  func tidying(_ answer: Answer) -> Pipeline? {
    guard !isBare else { return nil }
    var pipeline = Pipeline()
    var left = frame
    // Unlocking stands behind COMMIT and its Sync, the last lock first.
    left.locks = frame.locks.reversed().enumerated()
      .filter { !answer.holds(commit + 2 + $0.offset) }.map(\.element).reversed()
    // A COMMIT that failed has ended the transaction; one that was skipped has not.
    if answer.holds(begin), case .skipped = answer.parts[commit] {
      left.close(&pipeline, commits: false)
    } else {
      left.unlock(&pipeline)
    }
    return pipeline.parts.isEmpty ? nil : pipeline
  }
}
