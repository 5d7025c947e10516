import Holdfast
import HoldfastCore

/// The body of `POST /v1/transactions`: what must hold, and what to do, all or nothing.
struct TransactionRequest: Sendable {
  /// A key that must have a version, or must not be there.
  struct Check: Sendable {
    let namespace: Namespace
    let key: String
    let condition: Precondition
  }

  /// A write with the conditions that came with it.
  struct Step: Sendable {
    let write: PreparedWrite
    let conditions: [Precondition]
  }

  private let checks: [Check]
  private let steps: [Step]
  private let access: Access

  /// Reads a body, and looks whether the caller may do all of it.
  ///
  /// - Parameters:
  ///   - object: The body.
  ///   - access: Who asks.
  ///   - context: The store's limits and sources.
  /// - Throws: `invalid` and `forbidden`, with the index of the check or operation in the details.
  init(_ object: Object, _ access: Access, _ context: StoreContext) throws(StoreError) {
    var fields = Fields(object)
    var checks: [Check] = []
    if let items = fields.optional("checks") {
      guard let items = items.arrayValue else { throw Fields.type("checks", "a list") }
      try Self.count(items, context.limits)
      for (index, item) in items.enumerated() {
        checks.append(
          try Self.naming("check", index) { () throws(StoreError) in
            try Check(item, access, context)
          })
      }
    }
    var steps: [Step] = []
    let operations = try fields.items("operations")
    try Self.count(operations, context.limits)
    for (index, item) in operations.enumerated() {
      steps.append(
        try Self.naming("index", index) { () throws(StoreError) in
          try Step(item, access, context)
        })
    }
    try fields.finish()
    self.checks = checks
    self.steps = steps
    self.access = access
  }

  /// Refuses what is too much before any of it is done.
  private static func count(_ items: [Value], _ limits: Limits) throws(StoreError) {
    guard items.count > limits.transactionOperationsMax else { return }
    throw StoreError(
      .tooLarge,
      "A transaction has at most \(limits.transactionOperationsMax) operations and as many checks.",
      hint: "Use several transactions.",
      details: ["operations_max": .integer(Int64(limits.transactionOperationsMax))])
  }

  /// The rows at which many writers may meet.
  var hotRows: [Int64] { Array(Set(steps.flatMap(\.write.hotRows))).sorted() }

  /// Looks at the checks, then runs the operations in order.
  ///
  /// - Parameter transaction: The transaction.
  /// - Returns: The results in order, and the one version that all of them have; null where nothing
  ///   was written.
  /// - Throws: `conflict` with the index of the check that failed; what an operation throws, with
  ///   its index in the details.
  func run(in transaction: Transaction) throws(StoreError) -> Reply {
    for (index, check) in checks.enumerated() {
      try Self.naming("check", index) { () throws(StoreError) in
        try check.run(in: transaction)
      }
    }
    var results: [Value] = []
    results.reserveCapacity(steps.count)
    var changed = false
    for (index, step) in steps.enumerated() {
      let reply = try Self.naming("index", index) { () throws(StoreError) in
        try step.run(as: access, in: transaction)
      }
      results.append(reply.body)
      changed = changed || reply.changed
    }
    let version = changed ? try transaction.revision() : nil
    return Reply(
      status: 200,
      body: ["version": version.map(Value.integer) ?? .null, "results": .array(results)],
      changed: changed)
  }

  /// Runs a part: an error from there says which part it was.
  private static func naming<Result>(
    _ name: String, _ index: Int, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try body()
    } catch {
      // A batch inside has an index of its own, which says which of its entries it was.
      let inner = error.details[name].map { error.adding("item", $0) }
      throw (inner ?? error).adding(name, .integer(Int64(index)))
    }
  }
}

extension TransactionRequest.Check {
  fileprivate init(
    _ item: Value, _ access: Access, _ context: StoreContext
  ) throws(StoreError) {
    var fields = try Fields.of(item, in: "checks")
    namespace = try fields.namespace()
    key = try fields.text("key")
    guard let condition = try Precondition(taking: &fields) else { throw Fields.missing("version") }
    self.condition = condition
    try fields.finish()
    try Fields.naming("key") { () throws(StoreError) in try Key.check(key, context.limits) }
    try access.require(.exactly(namespace))
  }

  fileprivate func run(in transaction: Transaction) throws(StoreError) {
    let version = try transaction.kv(namespace).getEntry(key)?.version
    guard condition.holds(for: version) else {
      throw Precondition.failed(version)
        .adding("namespace", .string(namespace.text)).adding("key", .string(key))
    }
  }
}

extension TransactionRequest.Step {
  fileprivate init(
    _ item: Value, _ access: Access, _ context: StoreContext
  ) throws(StoreError) {
    var fields = try Fields.of(item, in: "operations")
    let name = try fields.text("op")
    guard let operation = WriteOperations.named(name) else {
      throw Fields.failure(
        "op", "unknown", "There is no such operation.",
        hint: "Name a noun and a verb, such as kv.put.")
    }
    try access.require(operation.role)
    let write = try operation.prepare(&fields, context)
    try write.check(access)
    let condition = write.version == nil ? nil : try Precondition(taking: &fields)
    try fields.finish()
    self.write = write
    self.conditions = condition.map { [$0] } ?? []
  }

  fileprivate func run(
    as access: Access, in transaction: Transaction
  ) throws(StoreError) -> Reply {
    do throws(StoreError) {
      return try write.run(conditions, as: access, in: transaction)
    } catch {
      // 412 is for header fields; a condition in the body is a conflict like any other.
      throw error.removing(Precondition.mark)
    }
  }
}

extension Precondition {
  /// The condition in the fields `version` and `absent`; `nil` where neither is there.
  init?(taking fields: inout Fields) throws(StoreError) {
    switch try Condition(taking: &fields) {
    case .absent: self = .absent
    case .version(let version): self = .oneOf([String(version)])
    case .value, nil: return nil
    }
  }
}

extension StoreError {
  /// The same error with one fact less in its details.
  fileprivate func removing(_ name: String) -> StoreError {
    guard details[name] != nil else { return self }
    var details = self.details
    details[name] = nil
    return StoreError(
      code, message, hint: hint, details: details, cause: cause, file: origin.file,
      line: origin.line)
  }
}
