import Holdfast
import HoldfastCore

/// A write verb of a primitive: it exists once, and routes and transactions both use it.
///
/// A primitive offers its verbs as a list of these in one file; ``WriteOperations`` gathers them.
struct WriteOperation: Sendable {
  /// The noun and the verb, such as `kv.put`, for metrics, logs and digests.
  let operation: Operation
  /// The least role that may do it.
  let role: Role
  /// Reads the fields, leaving those that it does not know.
  let prepare: @Sendable (inout Fields, StoreContext) throws(StoreError) -> PreparedWrite

  init(
    _ name: String, role: Role = .agent,
    prepare: @escaping @Sendable (inout Fields, StoreContext) throws(StoreError) -> PreparedWrite
  ) {
    self.operation = Operation(name, isWrite: true)
    self.role = role
    self.prepare = prepare
  }

  /// The noun and the verb.
  var name: String { operation.name }
}

/// A write whose fields were read: what it touches, and how it runs.
struct PreparedWrite: Sendable {
  /// What it changes; the caller must be allowed all of it.
  let touches: [Touch]
  /// The rows at which many writers may meet.
  var hotRows: [Int64] = []
  /// The version of the one resource that it writes, for conditional requests; `nil` where there is
  /// no such resource.
  var version: (@Sendable (Transaction) throws(StoreError) -> Int64?)?
  /// What else stands in the resource's entity tag, where it is more than the version.
  var digest: (@Sendable (Transaction) throws(StoreError) -> String?)?
  /// What it needs to read of others; refused before anything runs.
  var needs: [(namespace: Namespace, orElse: StoreError)] = []
  /// What it changes beside, which only the store knows: the namespace of a record that is named by
  /// its id, or of a task that a record names. Looked up in the write's own transaction, first.
  var owners: (@Sendable (Transaction) throws(StoreError) -> [Touch])?
  /// What it demands of the caller beside that and the role, by what the store holds.
  var demands: (@Sendable (Transaction, Access) throws(StoreError) -> Void)?
  /// Runs it for those who may see only a part, where that makes a difference.
  var runRestricted: (@Sendable (Transaction, Access) throws(StoreError) -> Reply)?
  /// Runs it; more than once where the transaction is retried.
  let run: @Sendable (Transaction) throws(StoreError) -> Reply

  /// Refuses who may not do it.
  ///
  /// - Parameter access: Who asks.
  /// - Throws: `forbidden`, or what stands for a thing that may not be seen.
  func check(_ access: Access) throws(StoreError) {
    for touch in touches { try access.require(touch) }
    for need in needs where !access.reads(need.namespace) { throw need.orElse }
  }

  /// Looks at what only the store knows of its access, at the conditions of a request, then runs.
  ///
  /// - Parameters:
  ///   - conditions: What must hold of the resource's version.
  ///   - access: Who asks.
  ///   - transaction: The transaction.
  /// - Returns: The answer.
  /// - Throws: `forbidden`; `conflict` with the version in its details when a condition does not
  ///   hold.
  func run(
    _ conditions: [Precondition], as access: Access, in transaction: Transaction
  ) throws(StoreError) -> Reply {
    if let owners, !access.isUnrestricted {
      for touch in try owners(transaction) { try access.require(touch) }
    }
    try demands?(transaction, access)
    if let version, !conditions.isEmpty {
      let current = try version(transaction)
      let tags = try [current.map { String($0) }, digest?(transaction)].compactMap(\.self)
      guard conditions.allSatisfy({ $0.holds(for: current == nil ? nil : tags) }) else {
        throw Precondition.failed(current).adding(Precondition.mark, true)
      }
    }
    if let runRestricted, !access.isUnrestricted { return try runRestricted(transaction, access) }
    return try run(transaction)
  }
}

extension Precondition {
  /// What tells a condition that failed from any other conflict.
  static let mark = "precondition"
}

/// The answer to a write, as it is kept under an idempotency key: status, body and the header
/// fields that belong to it.
struct Reply: Codable, Sendable {
  /// The status of the route's answer.
  let status: Int
  /// The body; where the status has none, it is the result inside of a transaction.
  let body: Value
  /// The version that becomes the entity tag.
  var version: Int64?
  /// What becomes the entity tag where that is not the version.
  var tag: String?
  /// Where a new resource is.
  var location: String?
  /// Whether anything was written.
  var changed = true
}

/// All write verbs by name.
enum WriteOperations {
  private static let byName: [String: WriteOperation] = {
    let all: [[WriteOperation]] = [
      KeyValueOperations.all,
      RunOperations.all,
      BotOperations.all,
      SessionOperations.all,
      ThreadOperations.all,
      DeadLetterOperations.all,
      AuditOperations.all,
      TaskOperations.all,
      ProviderOperations.all,
      FileOperations.all,
      ApprovalOperations.all,
      PolicyOperations.all,
      GrantOperations.all,
    ]
    return Dictionary(uniqueKeysWithValues: all.joined().map { ($0.name, $0) })
  }()

  /// A verb.
  ///
  /// - Parameter name: Its name, such as `kv.put`.
  /// - Returns: The verb; `nil` where there is none of that name.
  static func named(_ name: String) -> WriteOperation? { byName[name] }
}
