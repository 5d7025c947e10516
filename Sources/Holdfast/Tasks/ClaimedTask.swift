public import HoldfastCore

/// A task that this worker has under a lease.
///
/// Every call brings the lease's fencing token: once another has taken the task, or it was
/// cancelled, they throw `fenced` and write nothing.
public struct ClaimedTask: Sendable {
  /// The task as it was claimed.
  public let record: TaskRecord
  let store: Store

  private static let recordStep = Operation("tasks.step", isWrite: true)
  private static let readStep = Operation("tasks.read_step", isWrite: false)
  private static let transactionStep = Operation("tasks.transaction", isWrite: true)

  /// The task's identifier.
  public var id: String { record.id }
  /// The token of the lease.
  public var token: Int64 { record.fencingToken }

  /// Does a step once, and keeps what it gave.
  ///
  /// When the task runs again, the record answers and the closure is not called. It is written
  /// after the closure: a crash between the two repeats the closure.
  ///
  /// ```swift
  /// let receipt: String = try await task.step("charge") { try await charge(card) }
  /// ```
  ///
  /// - Parameters:
  ///   - name: The step's name, once in the task: 1 to 256 bytes.
  ///   - body: Does the step.
  /// - Returns: What the step gave, now or the first time.
  /// - Throws: What the body throws; ``StoreError`` with `fenced`, `invalid`, `too_large`.
  @discardableResult
  public func step<Result: Codable & Sendable>(
    _ name: String, _ body: () async throws -> Result
  ) async throws -> Result {
    let (id, token) = (id, token)
    let kept = try await store.consult(Self.readStep) { tx in
      try tx.tasks.step(name, of: id, token: token)
    }
    if let kept { return try ValueDecoder().decode(Result.self, from: kept.result) }
    let result = try await body()
    let value = try ValueEncoder().encode(result)
    let recorded = try await store.change(Self.recordStep) { tx in
      try tx.tasks.recordStep(name, of: id, result: value, token: token).step
    }
    return try ValueDecoder().decode(Result.self, from: recorded.result)
  }

  /// Does a step exactly once: what it writes and its record are kept together, or neither.
  ///
  /// ```swift
  /// try await task.transaction("book") { tx in
  ///   try tx.kv(.run("42")).increment("booked")
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - name: The step's name, once in the task: 1 to 256 bytes.
  ///   - body: Reads and writes through the transaction; it may run more than once.
  /// - Returns: What the body returned, now or the first time.
  /// - Throws: What the body throws, unchanged; ``StoreError`` with `fenced`, `invalid`,
  ///   `too_large`.
  @discardableResult
  public func transaction<Result: Codable & Sendable>(
    _ name: String, _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    let (id, token) = (id, token)
    return try await store.observe(Self.transactionStep) {
      try await store.write(.standard, hotRows: []) { tx in
        if let kept = try tx.tasks.step(name, of: id, token: token) {
          return try ValueDecoder().decode(Result.self, from: kept.result)
        }
        let result = try body(tx)
        let value = try ValueEncoder().encode(result)
        try tx.tasks.recordStep(name, of: id, result: value, token: token)
        return result
      }
    }
  }

  /// Makes the lease last longer, from now on.
  ///
  /// - Parameter lease: For how long, 1 s to 24 h; as long as the claim or the last heartbeat asked
  ///   for if left out.
  /// - Returns: The task with its new end of the lease.
  /// - Throws: ``StoreError`` with `fenced`, `invalid`.
  @discardableResult
  public func heartbeat(lease: Duration? = nil) async throws(StoreError) -> TaskRecord {
    try await store.tasks.heartbeat(id, token: token, lease: lease)
  }

  /// Says how far the task is.
  ///
  /// - Parameter progress: How far it is, in whatever form.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `too_large`.
  @discardableResult
  public func progress(_ progress: Value) async throws(StoreError) -> TaskRecord {
    try await store.tasks.progress(id, progress, token: token)
  }

  /// Ends the task as done.
  ///
  /// - Parameter result: What it gave.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `too_large`.
  @discardableResult
  public func complete(_ result: Value? = nil) async throws(StoreError) -> TaskRecord {
    try await store.tasks.complete(id, result: result, token: token)
  }

  /// Says that this run of the task failed.
  ///
  /// - Parameters:
  ///   - error: Why; what is past 4 KiB is cut off.
  ///   - retry: When it is tried again.
  /// - Returns: The task as it is now: pending again, or failed.
  /// - Throws: ``StoreError`` with `fenced`, `invalid`, `too_large`.
  @discardableResult
  public func fail(
    _ error: String, retry: TaskRetry = .backOff
  ) async throws(StoreError) -> TaskRecord {
    try await store.tasks.fail(id, error: error, retry: retry, token: token)
  }

  /// Hands the task back untouched.
  ///
  /// - Returns: The task as it is now: pending again.
  /// - Throws: ``StoreError`` with `fenced`.
  @discardableResult
  public func release() async throws(StoreError) -> TaskRecord {
    try await store.tasks.release(id, token: token)
  }
}
