public import HoldfastCore

/// What retention removes by itself.
///
/// Key-value data, runs, bots, providers and variables stay until somebody deletes them.
public enum RetentionKind: String, CaseIterable, Codable, Sendable {
  /// Finished tasks with their steps; not one whose dead letter or approval is still undecided.
  case tasks
  /// Approvals that are closed; not one whose task waits.
  case approvals
  /// Grants whose time is over.
  case grants
  /// Sessions without items that nobody uses.
  case sessions
  /// Sessions with items that nobody uses: by default they stay.
  case conversations
  /// Thread sessions without a message; not one whose session has items.
  case threads
  /// Dead letters that are resolved.
  case deadLetters = "dead_letters"
  /// Audit records, from the fronts of their chains.
  case audit
  /// The change feed, from its front; one row stays beyond those that a policy keeps.
  case changes
  /// The answers that are kept for idempotency keys.
  case idempotency
  /// Old versions of files: by default they stay.
  case files

  /// How long things are kept where no policy says otherwise; `nil` for ever.
  public var standard: RetentionPolicy {
    switch self {
    case .tasks, .threads, .changes: RetentionPolicy(keepFor: .seconds(7 * 86_400))
    case .approvals, .grants, .audit: RetentionPolicy(keepFor: .seconds(30 * 86_400))
    case .sessions, .deadLetters, .idempotency: RetentionPolicy(keepFor: .seconds(86_400))
    case .conversations, .files: RetentionPolicy()
    }
  }

  /// Whether a namespace may have a policy of its own: chains and feeds go only at their front.
  var isPerNamespace: Bool {
    switch self {
    case .tasks, .approvals, .grants, .sessions, .conversations, .deadLetters, .files: true
    case .threads, .audit, .changes, .idempotency: false
    }
  }
}

/// How much of something is kept; what breaks any of its bounds goes, the oldest first.
public struct RetentionPolicy: Sendable, Equatable, Codable {
  private var keepForMicroseconds: Int64?
  /// How many of the newest are kept; those of one microsecond stay together. For files it is how
  /// many versions of each.
  public var keepLast: Int?
  /// About how many bytes of texts are kept, the newest first.
  public var bytesMax: Int64?

  /// How long things are kept, from the day on which nothing more happened to them; `nil` for ever.
  public var keepFor: Duration? {
    get { keepForMicroseconds.map { .microseconds($0) } }
    set { keepForMicroseconds = newValue?.microseconds }
  }

  /// Makes a policy; without any bound everything stays.
  ///
  /// - Parameters:
  ///   - keepFor: How long things are kept.
  ///   - keepLast: How many of the newest are kept.
  ///   - bytesMax: About how many bytes are kept.
  public init(keepFor: Duration? = nil, keepLast: Int? = nil, bytesMax: Int64? = nil) {
    self.keepLast = keepLast
    self.bytesMax = bytesMax
    self.keepFor = keepFor
  }

  /// What keeps to both policies.
  func stricter(_ other: RetentionPolicy?) -> RetentionPolicy {
    guard let other else { return self }
    return RetentionPolicy(
      keepFor: [keepFor, other.keepFor].compactMap { $0 }.min(),
      keepLast: [keepLast, other.keepLast].compactMap { $0 }.min(),
      bytesMax: [bytesMax, other.bytesMax].compactMap { $0 }.min())
  }
}

/// Where a policy holds.
public struct RetentionScope: Sendable, Equatable, Hashable, Codable {
  /// For what.
  public let kind: RetentionKind
  /// For the records of this run, or of no run (`global`); `nil` for all that have no policy of
  /// their own.
  public let namespace: String?
  /// Whether it holds, beside the other one, while the store is larger than its limit.
  public let overSize: Bool

  /// Makes a scope.
  ///
  /// - Parameters:
  ///   - kind: For what.
  ///   - namespace: For the records of one namespace alone.
  ///   - overSize: Whether it holds only while the store is larger than its limit.
  public init(_ kind: RetentionKind, in namespace: Namespace? = nil, overSize: Bool = false) {
    self.kind = kind
    self.namespace = namespace?.text
    self.overSize = overSize
  }
}

/// A policy and where it holds.
public struct RetentionRule: Sendable, Equatable, Codable {
  /// Where it holds.
  public let scope: RetentionScope
  /// How much is kept.
  public let policy: RetentionPolicy
  /// Whether nobody set it: then it is the default.
  public let isStandard: Bool
}

/// All policies of a store.
public struct RetentionRules: Sendable, Equatable, Codable {
  /// One for each kind, then those of namespaces and for a store that is too large.
  public let items: [RetentionRule]
  /// From which size on, in bytes, the stricter policies hold; `nil` for none.
  public let sizeMax: Int64?
}

/// What a run of retention removed, or would.
public struct RetentionReport: Sendable, Equatable {
  /// Whether nothing was removed.
  public let isDryRun: Bool
  /// Whether it came to its end with every kind; one that was cancelled, or failed on a kind, has
  /// removed what is counted here.
  public let isComplete: Bool
  /// Whether the store was larger than its limit, so that the stricter policies held.
  public let isOverSize: Bool
  /// How many of each kind; 0 where there was nothing.
  public let counts: [RetentionKind: Int]
  /// Why a kind could not be gone through to its end; empty where all was well.
  public let failures: [RetentionKind: StoreError.Code]
  /// The size of the data in bytes before and after, logs included.
  public let bytesBefore: Int64
  /// The size afterwards.
  public internal(set) var bytesAfter: Int64

  /// How many in all.
  public var total: Int { counts.values.reduce(0, +) }

  /// The failures as answers and the audit log show them: a member a kind, with its code's name.
  package var failuresByName: Value {
    let names = failures.map { ($0.key.rawValue, Value.string($0.value.name)) }
    return .object(Object(names.sorted { $0.0 < $1.0 }))
  }
}
