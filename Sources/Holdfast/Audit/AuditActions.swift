/// The names of what the store itself records; a caller's own actions may have any other name.
public enum AuditAction {
  /// An access token was made.
  public static let tokenCreate = "token.create"
  /// An access token was revoked.
  public static let tokenRevoke = "token.revoke"
  /// Somebody came with a token that is unknown, revoked or expired.
  public static let signInFailed = "sign_in.failed"
  /// A task was cancelled.
  public static let taskCancel = "task.cancel"
  /// A task was run anew.
  public static let taskReplay = "task.replay"
  /// A task was put back into its queue by hand.
  public static let taskRequeue = "task.requeue"
  /// An approval was asked for.
  public static let approvalRequest = "approval.request"
  /// An approval was given or denied.
  public static let approvalDecide = "approval.decide"
  /// An approval was used.
  public static let approvalConsume = "approval.consume"
  /// An approval's time was over before anybody decided.
  public static let approvalExpire = "approval.expire"
  /// An approval was deleted.
  public static let approvalDelete = "approval.delete"
  /// A grant was made.
  public static let grantCreate = "grant.create"
  /// A grant was revoked.
  public static let grantRevoke = "grant.revoke"
  /// A policy of approvals was set.
  public static let policyPut = "policy.put"
  /// A policy of approvals was removed.
  public static let policyDelete = "policy.delete"
  /// A dead letter was sent again.
  public static let deadLetterRedrive = "dead_letter.redrive"
  /// A dead letter was settled.
  public static let deadLetterResolve = "dead_letter.resolve"
  /// A secret was read.
  public static let secretRead = "secret.read"
  /// A secret was set or removed.
  public static let secretChange = "secret.change"
  /// The master key was changed.
  public static let keyRotate = "key.rotate"
  /// Retention removed what was past its time.
  public static let retentionRun = "retention.run"
  /// A policy of retention was set or removed.
  public static let retentionPolicy = "retention.policy"
  /// The store was made from a backup.
  public static let storeRestore = "store.restore"
  /// The store was moved here from another database.
  public static let storeMove = "store.move"
  /// Another store's data was taken in.
  public static let storeImport = "store.import"

  /// All of them: a record with one of these names tells what the store did, so nobody else writes
  /// such a record over a network.
  package static let all: Set<String> = [
    tokenCreate, tokenRevoke, signInFailed, taskCancel, taskReplay, taskRequeue, approvalRequest,
    approvalDecide, approvalConsume, approvalExpire, approvalDelete, grantCreate, grantRevoke,
    policyPut, policyDelete, deadLetterRedrive, deadLetterResolve, secretRead, secretChange,
    keyRotate, retentionRun, retentionPolicy, storeRestore, storeMove, storeImport,
  ]

  /// Those that concern the store as a whole, whose records may name any namespace.
  package static let ofStore: Set<String> = [
    tokenCreate, tokenRevoke, signInFailed, keyRotate, retentionRun, retentionPolicy, storeRestore,
    storeMove, storeImport,
  ]
}

/// What can happen to a memory of a bot's.
public enum MemoryAction: String, Sendable, CaseIterable {
  /// It was made.
  case add
  /// It was removed.
  case delete
  /// Another bot was given it.
  case share
  /// It was taken from another bot again.
  case revoke
  /// It was joined with another.
  case merge

  /// The action's name in a record, such as `memory.add`.
  public var name: String { "memory.\(rawValue)" }
}
