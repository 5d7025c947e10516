public import HoldfastCore
import HoldfastEngine

/// What becomes of requests for a permission.
public struct ApprovalPolicy: Sendable, Equatable, Codable {
  /// The permission.
  public let permission: String
  /// What becomes of a request for it.
  public let mode: PolicyMode
  /// Whether an approval under this policy also grants its task the permission for five minutes.
  public let grants: Bool
  /// Who set it last.
  public let setBy: String
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was set first.
  public let createdAt: Instant
  /// When it was set last.
  public let updatedAt: Instant
}

extension ApprovalPolicy {
  init(row: Row) throws(StoreError) {
    guard let mode = PolicyMode(rawValue: row.text(1)) else {
      throw StoreError(.corrupt, "A policy's row has an unknown mode.")
    }
    self.init(
      permission: row.text(0), mode: mode, grants: row.integer(2) == 1, setBy: row.text(3),
      version: row.integer(4), createdAt: Instant(microseconds: row.integer(5)),
      updatedAt: Instant(microseconds: row.integer(6)))
  }
}

/// A policy that was set.
public struct PolicyResult: Sendable, Equatable, Codable {
  /// The policy as it is now.
  public let policy: ApprovalPolicy
  /// Whether the permission had none before.
  public let isNew: Bool
}

/// The statements behind policies.
enum PolicySQL {
  /// $1 permission.
  static let get = Statement(
    """
    SELECT permission, mode, grants, set_by, version, created_at, updated_at
    FROM approval_policies
    WHERE permission = $1
    """)

  /// The term of a policy under which approvals grant.
  ///
  /// $1 permission.
  static let grantingTerm = Statement(
    """
    SELECT term
    FROM approval_policies
    WHERE permission = $1 AND grants = 1
    """)

  /// A policy that stays as it is keeps its term.
  ///
  /// $1 permission, $2 mode, $3 grants, $4 who, $5 a new term.
  static let set = Statement(
    """
    INSERT INTO approval_policies (permission, mode, grants, set_by, version, created_at,
      updated_at, term)
    VALUES ($1, $2, $3, $4, holdfast_revision(), holdfast_now(), holdfast_now(), $5)
    ON CONFLICT (permission) DO UPDATE SET
      mode = excluded.mode, grants = excluded.grants, set_by = excluded.set_by,
      version = excluded.version, updated_at = excluded.updated_at,
      term = CASE
        WHEN approval_policies.mode = excluded.mode AND approval_policies.grants = excluded.grants
        THEN approval_policies.term ELSE excluded.term END
    RETURNING permission, mode, grants, set_by, version, created_at, updated_at
    """)

  /// $1 permission.
  static let delete = Statement(
    """
    DELETE FROM approval_policies
    WHERE permission = $1
    """)

  /// $1 the permission after which it goes on, $2 how many.
  static let list = Statement(
    """
    SELECT permission, mode, grants, set_by, version, created_at, updated_at
    FROM approval_policies
    WHERE permission > $1
    ORDER BY permission
    LIMIT CAST($2 AS BIGINT)
    """)
}
