import HoldfastCore

/// One write that somebody waits for, on its way through the queue and a group.
///
/// A call is answered exactly once, by ``settle()`` or ``reject(_:)``, and never before the commit
/// that decides about it is settled.
class WriteCall: @unchecked Sendable {
  // Unchecked: a call is handed from its caller to the writer's thread under the lock of the queue;
  // after that only the writer touches it, until it resumes the caller.

  /// Whether the write need not survive the machine.
  let isRelaxed: Bool
  /// When it came, by the system's monotonic clock.
  let arrived: Duration
  /// Where it stands; changed under the lock of the queue only.
  var isCancelled = false
  var isTaken = false

  init(isRelaxed: Bool, arrived: Duration) {
    self.isRelaxed = isRelaxed
    self.arrived = arrived
  }

  /// Whether the body may fail as it likes, also after it wrote, so that it wants a savepoint.
  ///
  /// Steps that are known beforehand fail only with the database.
  var failsFreely: Bool { true }

  /// How a run of the body ended.
  enum Ending {
    case succeeded
    /// It failed, and there is nothing of it to undo.
    case failedUntouched
    /// It failed, and what it wrote must be undone.
    case failed
  }

  /// Runs the body once and keeps what came out.
  ///
  /// - Parameters:
  ///   - connection: The writer's connection, inside a transaction.
  ///   - options: The engine's options.
  /// - Returns: How the run ended.
  func run(on connection: SQLiteConnection, _ options: EngineOptions) -> Ending {
    preconditionFailure("a call of no kind was run")
  }

  /// What the last run failed with, if the database or the engine said it.
  var failure: (any Error)? { nil }

  /// Answers with what the last run gave.
  func settle() { preconditionFailure("a call of no kind was settled") }

  /// Answers with an error instead.
  ///
  /// - Parameter error: The error.
  func reject(_ error: any Error) { preconditionFailure("a call of no kind was rejected") }
}

/// A write of statements that are known beforehand.
// Unchecked: the queue's lock hands a call over to the writer's thread, which then owns it.
final class StepsCall: WriteCall, @unchecked Sendable {
  typealias Answer = Result<[StepResult], StoreError>

  private let steps: [Step]
  private let continuation: UnsafeContinuation<Answer, Never>
  private var answer: Answer = .success([])

  init(
    _ steps: [Step], isRelaxed: Bool, arrived: Duration,
    _ continuation: UnsafeContinuation<Answer, Never>
  ) {
    self.steps = steps
    self.continuation = continuation
    super.init(isRelaxed: isRelaxed, arrived: arrived)
  }

  override var failsFreely: Bool { false }

  override func run(on connection: SQLiteConnection, _ options: EngineOptions) -> Ending {
    var results: [StepResult] = []
    results.reserveCapacity(steps.count)
    do throws(StoreError) {
      for step in steps {
        if let probe = options.probe { try probe(.statement) }
        results.append(try connection.result(of: step))
      }
      answer = .success(results)
      return .succeeded
    } catch {
      answer = .failure(error)
      // SQLite undoes a statement that fails; so where the first one failed there is nothing left.
      return results.isEmpty ? .failedUntouched : .failed
    }
  }

  override var failure: (any Error)? {
    guard case .failure(let error) = answer else { return nil }
    return error
  }

  override func settle() { continuation.resume(returning: answer) }

  override func reject(_ error: any Error) {
    let error = error as? StoreError ?? StoreError(.internal, "A write failed.", cause: error)
    continuation.resume(returning: .failure(error))
  }
}

/// A write whose body is a closure.
// Unchecked: the queue's lock hands a call over to the writer's thread, which then owns it.
final class BodyCall<Answer: Sendable>: WriteCall, @unchecked Sendable {
  private let body: @Sendable (any Connection) throws -> Answer
  private let decidesFirst: Bool
  private let continuation: UnsafeContinuation<Result<Answer, any Error>, Never>
  private var answer: Result<Answer, any Error>?

  init(
    isRelaxed: Bool, decidesFirst: Bool, arrived: Duration,
    _ continuation: UnsafeContinuation<Result<Answer, any Error>, Never>,
    _ body: @escaping @Sendable (any Connection) throws -> Answer
  ) {
    self.body = body
    self.decidesFirst = decidesFirst
    self.continuation = continuation
    super.init(isRelaxed: isRelaxed, arrived: arrived)
  }

  override var failsFreely: Bool { !decidesFirst }

  override func run(on connection: SQLiteConnection, _ options: EngineOptions) -> Ending {
    let session = SQLiteSession(
      connection, deadline: connection.clock.monotonic() + options.bodyTimeMax,
      probe: options.probe)
    defer { session.end() }
    let changes = connection.changesTotal
    do {
      let answer = try body(session)
      // An error of the database that the body swallowed dooms the transaction all the same.
      if let doom = session.doom { throw doom }
      self.answer = .success(answer)
      return .succeeded
    } catch {
      answer = .failure(error)
      return connection.changesTotal == changes ? .failedUntouched : .failed
    }
  }

  override var failure: (any Error)? {
    guard case .failure(let error) = answer else { return nil }
    return error
  }

  override func settle() {
    continuation.resume(
      returning: answer ?? .failure(StoreError(.internal, "A write was settled before it ran.")))
  }

  override func reject(_ error: any Error) { continuation.resume(returning: .failure(error)) }
}
