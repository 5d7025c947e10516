public import HoldfastCore
import HoldfastEngine

/// A task may do what a permission is for, without asking, for a short time.
public struct Grant: Sendable, Equatable, Codable {
  /// Who made a grant.
  public enum Source: String, Sendable, CaseIterable, Codable {
    /// The permission's policy, for five minutes.
    case policy
    /// Whoever decided an approval and asked for it, for 15 minutes.
    case decision
  }

  /// The grant's identifier.
  public let id: String
  /// The permission.
  public let permission: String
  /// The task.
  public let task: String
  /// The task's run.
  public let run: String?
  /// Who made it.
  public let source: Source
  /// The approval at whose decision it was made, or made longer.
  public let approval: String
  /// Who decided that approval.
  public let grantedBy: String
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was made.
  public let createdAt: Instant
  /// From when on it is worth nothing.
  public let expiresAt: Instant
  /// Whether the policy that made it was changed or deleted since: then it is worth nothing.
  public let isVoid: Bool
  /// When it was revoked.
  public let revokedAt: Instant?
  /// Who revoked it.
  public let revokedBy: String?

  /// The namespace that decides who may see it.
  package var namespace: Namespace { .holding(run: run) }
}

/// Which grants a page lists, those that end soonest first.
public struct GrantQuery: Sendable, Equatable {
  /// Only grants of this permission.
  public var permission: String?
  /// Only grants of this task.
  public var task: String?
  /// Whether grants that expired, were revoked or are void are shown beside the others.
  public var includesEnded: Bool
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - permission: Only grants of this permission.
  ///   - task: Only grants of this task.
  ///   - includesEnded: Whether grants that expired, were revoked or are void are shown beside the
  ///     others.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    permission: String? = nil, task: String? = nil, includesEnded: Bool = false,
    after: String? = nil, limit: Int? = nil
  ) {
    self.permission = permission
    self.task = task
    self.includesEnded = includesEnded
    self.after = after
    self.limit = limit
  }
}

/// A grant's row, in the order of columns that every statement gives.
struct GrantRow {
  let grant: Grant
  /// The row's number, which breaks ties of time.
  let number: Int64
  /// The store's time of the transaction that read it.
  let now: Instant

  init(row: Row) throws(StoreError) {
    guard let source = Grant.Source(rawValue: row.text(4)) else {
      throw StoreError(.corrupt, "A grant's row has an unknown source.")
    }
    grant = Grant(
      id: row.text(0), permission: row.text(1), task: row.text(2), run: row.optionalText(3),
      source: source, approval: row.text(5), grantedBy: row.text(6), version: row.integer(7),
      createdAt: Instant(microseconds: row.integer(8)),
      expiresAt: Instant(microseconds: row.integer(9)), isVoid: row.integer(14) == 1,
      revokedAt: row.optionalInteger(10).map(Instant.init(microseconds:)),
      revokedBy: row.optionalText(11))
    number = row.integer(12)
    now = Instant(microseconds: row.integer(13))
  }
}
