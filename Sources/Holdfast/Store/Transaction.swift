package import HoldfastCore
package import HoldfastEngine
import NIOConcurrencyHelpers

/// A transaction: everything that its body does is kept together, or none of it is.
///
/// Every primitive hangs on it (``kv(_:)``, ``runs``, ``bots``, ``namespaces``). It is valid until
/// its body returns; used later, each call throws `invalid_state`. A body may run more than once (a
/// serialization failure), and must have no other effects.
///
/// What Holdfast itself decides (`conflict`, `not_found`, `invalid`, `invalid_state`, `fenced`) may
/// be caught, and the body goes on. Any other error dooms the transaction, even where the body
/// swallows it.
public final class Transaction {
  package let context: StoreContext
  /// Whether the transaction belongs to ``Store/read(_:)``, where nothing can be written.
  package let isReadOnly: Bool
  /// Who acts: an access token's name, `local:USER`, or what the store was opened with.
  ///
  /// What the store itself enters into the audit log names this one.
  package let actor: String

  private var connection: (any Connection)?
  /// How many operations it has come to, which orders what one transaction does at one time.
  package private(set) var operations = 0
  /// How many bytes of keys, values and texts it has written.
  package private(set) var bytes = 0

  package init(
    _ connection: any Connection, _ context: StoreContext, isReadOnly: Bool, owner: String = ""
  ) {
    self.connection = connection
    self.context = context
    self.isReadOnly = isReadOnly
    self.actor = owner.isEmpty ? context.actor : owner
  }

  /// Runs the body of a transaction that writes, and ends the transaction's life.
  ///
  /// What a connection throws dooms the transaction by itself; what was refused as too large, and
  /// what an operation found broken after it had written, does here.
  ///
  /// - Parameter body: The body.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws, and such an error even where the body swallowed it.
  package func run<Result>(_ body: (Transaction) throws -> Result) throws -> Result {
    defer { end() }
    let refusal = NIOLockedValueBox<StoreError?>(nil)
    let result = try Excess.heard { error in
      refusal.withLockedValue { $0 = $0 ?? error }
    } in: {
      try body(self)
    }
    if let error = refusal.withLockedValue(\.self) { throw error }
    return result
  }

  /// Ends the transaction's life; its owner calls it when the body has returned.
  package func end() { connection = nil }

  /// The connection, for an operation that reads.
  ///
  /// - Throws: `invalid_state` after the body has ended.
  package func reading() throws(StoreError) -> any Connection {
    guard let connection else {
      throw StoreError(
        .invalidState, "The transaction has ended.",
        hint: "Use a transaction only inside the body that was given it.")
    }
    return connection
  }

  /// The connection, for an operation that writes, which is counted.
  ///
  /// - Parameters:
  ///   - operations: How many operations the call is; each entry of a batch is one.
  ///   - bytes: How many bytes of keys, values and texts it writes.
  /// - Returns: The connection.
  /// - Throws: `invalid_state` after the body has ended or inside a read, `too_large` past a limit.
  package func writing(operations: Int = 1, bytes: Int) throws(StoreError) -> any Connection {
    let connection = try reading()
    guard !isReadOnly else {
      throw StoreError(
        .invalidState, "Nothing can be written inside a read.",
        hint: "Use a transaction to write.")
    }
    self.operations += operations
    self.bytes += bytes
    try checkSize()
    return connection
  }

  /// Checks what the transaction has come to against the limits.
  private func checkSize() throws(StoreError) {
    let limits = context.limits
    guard self.operations <= limits.transactionOperationsMax else {
      throw Excess.refusal(
        "A transaction holds at most \(limits.transactionOperationsMax) operations.",
        hint: "Split the work into several transactions.",
        details: ["operations_max": .integer(Int64(limits.transactionOperationsMax))])
    }
    guard self.bytes <= limits.transactionBytesMax else {
      throw Excess.refusal(
        "A transaction writes at most \(limits.transactionBytesMax) bytes.",
        hint: "Split the work into several transactions.",
        details: ["bytes_max": .integer(Int64(limits.transactionBytesMax))])
    }
  }
}

/// What every operation needs to know of its store.
package struct StoreContext: Sendable {
  package let limits: Limits
  package let ids: any IDSource
  package let time: any TimeSource
  /// Who acts where no access token does.
  package let actor: String
  /// When circuits of providers open and close.
  package let circuit: CircuitPolicy
  /// How the audit log is sealed.
  package let sealing: AuditSealing
  /// What a task is where nobody says otherwise.
  package let tasks: TaskDefaults
  /// Notices leaps of the store's time.
  package let leaps = LeapWatch()
}

extension Connection {
  /// Runs a statement and makes something of each row, with Holdfast's own error type.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  ///   - make: Makes the result of a row.
  /// - Returns: The results in order.
  /// - Throws: What the database says, as a ``StoreError``.
  package func all<Result>(
    _ statement: Statement, _ bindings: [Bound] = [],
    _ make: (Row) throws(StoreError) -> Result
  ) throws(StoreError) -> [Result] {
    do {
      return try rows(statement, bindings) { try make($0) }
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Runs a statement and makes something of its first row, with Holdfast's own error type.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  ///   - make: Makes the result of the row.
  /// - Returns: The result; `nil` where there was no row.
  /// - Throws: What the database says, as a ``StoreError``.
  package func first<Result>(
    _ statement: Statement, _ bindings: [Bound] = [],
    _ make: (Row) throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    do {
      return try row(statement, bindings) { try make($0) }
    } catch {
      throw StoreError.from(error)
    }
  }
}

extension Connection {
  /// Writes rows and gives each as it is then, in the order of the steps.
  ///
  /// - Parameters:
  ///   - steps: What writes one row each, by statements that give them on PostgreSQL only; the
  ///     first parameter names the row.
  ///   - look: Finds a row by that one parameter, with the same columns.
  ///   - events: What is written behind them, such as their events.
  /// - Returns: One result for each of the first steps; one without a row where nothing was
  ///   written.
  /// - Throws: What the database says, as a ``StoreError``.
  package func written(
    _ steps: [Step], thenLook look: Statement, with events: [Step] = []
  ) throws(StoreError) -> [StepResult] {
    guard dialect == .sqlite else { return Array(try run(steps + events).prefix(steps.count)) }
    let looks = steps.map { Step(look, Array($0.bindings.prefix(1))) }
    let results = try run(zip(steps, looks).flatMap { [$0, $1] } + events)
    return steps.indices.map { place in
      let changes = results[2 * place].changes
      return StepResult(rows: changes == 0 ? [] : results[2 * place + 1].rows, changes: changes)
    }
  }

  /// Changes one row and gives it as it is then.
  ///
  /// - Parameters:
  ///   - change: The change, which gives the row on PostgreSQL only.
  ///   - bindings: Its parameters, of which the first names the row.
  ///   - look: Finds the row by that one parameter, with the same columns.
  ///   - make: Makes the result of the row.
  /// - Returns: The result; `nil` where no row was changed.
  /// - Throws: What the database says, as a ``StoreError``.
  package func change<Result>(
    _ change: Statement, _ bindings: [Bound], thenLook look: Statement,
    _ make: (Row) throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    guard dialect == .sqlite else { return try first(change, bindings, make) }
    guard try run(change, bindings) > 0 else { return nil }
    return try first(look, Array(bindings.prefix(1)), make)
  }
}

extension StoreError {
  /// The error itself, or `internal` around an error that should not have come.
  ///
  /// - Parameter error: What was thrown.
  /// - Returns: A store's error.
  package static func from(_ error: any Error) -> StoreError {
    if let error = error as? StoreError { return error }
    if error is CancellationError { return .cancelled }
    return StoreError(.internal, "An unexpected error came up.", cause: error)
  }
}
