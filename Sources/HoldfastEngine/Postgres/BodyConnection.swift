import HoldfastCore
import NIOConcurrencyHelpers

/// What a body works on: a session that a thread has borrowed, inside one transaction.
///
/// The transaction begins with the first statement, in its round trip. The first error of any call
/// dooms it: later calls throw the same error, and it is rolled back whatever the body does.
final class BodyConnection: Connection {
  let dialect = Dialect.postgres
  var notes: SessionNotes { session.notes }
  private let session: Session
  private var frame: TransactionFrame
  private let doors: Int64
  private let options: EngineOptions
  private var deadline: Duration?
  private let ended = NIOLockedValueBox(false)
  private var begun = false
  private var lost = false
  private var doom: StoreError?
  private var failure: DatabaseFailure?

  /// Makes the connection of one attempt.
  ///
  /// - Parameters:
  ///   - session: A session that this thread has alone.
  ///   - frame: What stands around the body's statements.
  ///   - doors: The number of the store's first door.
  ///   - options: The probe, the clock and the body's time limit.
  init(
    _ session: Session, _ frame: TransactionFrame, doors: Int64, _ options: EngineOptions
  ) {
    self.session = session
    self.frame = frame
    self.doors = doors
    self.options = options
    deadline =
      frame.kind == .reading ? nil : options.time.monotonicTime() + options.bodyTimeMax
  }

  /// Runs a body and ends its transaction.
  ///
  /// - Parameter body: The body.
  /// - Returns: What became of it.
  func attempt<Result: Sendable>(
    _ body: (any Connection) throws -> Result
  ) -> Attempt<Result> {
    do {
      let result = try body(self)
      ended.withLockedValue { $0 = true }
      try standing()
      return commit(result)
    } catch {
      ended.withLockedValue { $0 = true }
      return abandoned(error)
    }
  }

  private func standing() throws(StoreError) {
    if let doom { throw doom }
    if begun, let probe = options.probe { try probe(.beforeCommit) }
  }

  private func commit<Result: Sendable>(_ result: Result) -> Attempt<Result> {
    guard begun else { return .done(result) }
    var pipeline = Pipeline()
    let place = frame.close(&pipeline, commits: true)
    let answer = session.run(pipeline)
    if case .result(let end) = answer.parts[place], end.says("COMMIT") { return .done(result) }
    if case .failed(let failure) = answer.parts[place], failure.deniesCommit {
      return answer.lost && !failure.isRetryable ? .lost : .refused(failure)
    }
    if answer.handedOver <= place { return .lost }
    if !answer.lost { return .refused(DatabaseFailure(state: "XX000")) }
    return frame.kind == .reading ? .lost : .uncertain
  }

  private func abandoned<Result>(_ error: any Error) -> Attempt<Result> {
    if begun, !lost {
      var pipeline = Pipeline()
      frame.close(&pipeline, commits: false)
      _ = session.run(pipeline)
    }
    // What a doomed body threw follows from the doom: where that may pass, the body runs again.
    if lost { return .lost }
    if let failure, failure.isRetryable { return .refused(failure) }
    return .threw(error)
  }

  // MARK: Connection

  func forEachRow(
    _ statement: Statement, _ bindings: [Bound], _ body: (Row) throws -> Void
  ) throws {
    let results = try ask([Step(statement, bindings)])
    do {
      for result in results {
        for index in 0..<result.count { try result.withRow(index, body) }
      }
    } catch {
      if let error = error as? StoreError, error.code.dooms { doom = doom ?? error }
      throw error
    }
  }

  func run(_ steps: [Step]) throws(StoreError) -> [StepResult] {
    try ask(steps).map(\.materialised)
  }

  func run(_ statement: Statement, _ bindings: [Bound]) throws(StoreError) -> Int {
    try ask([Step(statement, bindings)]).first?.changes ?? 0
  }

  func shut(_ doors: [Int]) throws(StoreError) {
    if let doom { throw doom }
    let missing = doors.map { self.doors | Int64($0) }.filter { !frame.locks.contains($0) }
    if missing.isEmpty, frame.needsLocks { return }
    guard begun else {
      frame.locks = (frame.locks + missing).sorted()
      frame.needsLocks = true
      return
    }
    let failure = DatabaseFailure(awaiting: missing)
    self.failure = failure
    doom = failure.storeError
    throw failure.storeError
  }

  private func ask(_ steps: [Step]) throws(StoreError) -> [RawResult] {
    guard !ended.withLockedValue(\.self) else {
      throw StoreError(
        .invalidState, "The transaction is over.", hint: "Use it only inside its body.")
    }
    if let doom { throw doom }
    guard !steps.isEmpty else { return [] }
    do throws(StoreError) {
      try check(steps)
      return try exchange(steps)
    } catch {
      doom = error
      throw error
    }
  }

  private func check(_ steps: [Step]) throws(StoreError) {
    if let deadline, options.time.monotonicTime() > deadline {
      throw StoreError(
        .unavailable, "The transaction's body ran longer than \(options.bodyTimeMax).",
        hint: "Do less in one transaction, and nothing that waits.")
    }
    for step in steps {
      try step.checkForPostgres()
      if let probe = options.probe { try probe(.statement) }
    }
  }

  private func exchange(_ steps: [Step]) throws(StoreError) -> [RawResult] {
    var pipeline = Pipeline()
    // Locks stand before BEGIN; a failure there fails nothing, unless doors are among them.
    let opening = !begun
    let opened = opening ? frame.open(&pipeline) : 0
    let begin = frame.needsLocks ? 0 : opened
    let first = pipeline.parts.count
    for step in steps { pipeline.add(step) }
    pipeline.sync()
    begun = true
    let answer = session.run(pipeline)
    lost = answer.lost
    for case .failed(let failure) in answer.parts[begin...] {
      self.failure = failure
      throw failure.storeError
    }
    if answer.lost { throw DatabaseFailure.connectionLost.storeError }
    // What was waited for was the doors, not the body.
    if opening, frame.needsLocks { deadline = options.time.monotonicTime() + options.bodyTimeMax }
    return answer.parts[first..<first + steps.count].compactMap { part in
      if case .result(let result) = part { result } else { nil }
    }
  }
}
