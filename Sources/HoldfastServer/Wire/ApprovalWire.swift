import Holdfast
import HoldfastCore

extension Approval {
  /// The approval.
  var json: Value {
    [
      "id": .string(id), "task": .text(task), "run": .text(run), "caller": .text(caller),
      "permission": .string(permission), "action": .string(action), "resource": .text(resource),
      "parameters": parameters, "channel": .text(channel), "thread": .text(thread),
      "status": .string(status.rawValue), "decision": .text(decision?.rawValue),
      "decided_by": .text(decidedBy), "by": .text(by), "reason": .text(reason),
      "digest": .string(digest), "policy": .text(policy?.rawValue), "grant": .text(grant),
      "version": .integer(version), "requested_at": .time(requestedAt),
      "expires_at": .time(expiresAt), "decided_at": .time(decidedAt),
      "usable_until": .time(usableUntil), "consumed_at": .time(consumedAt),
      "history": .array(history.map(\.json)),
    ]
  }
}

extension ApprovalEvent {
  /// The event of a history.
  fileprivate var json: Value {
    ["event": .string(event), "at": .time(at), "by": .string(by), "reason": .text(reason)]
  }
}

extension ApprovalPolicy {
  /// The policy.
  var json: Value {
    [
      "permission": .string(permission), "mode": .string(mode.rawValue), "grants": .bool(grants),
      "set_by": .string(setBy), "version": .integer(version), "created_at": .time(createdAt),
      "updated_at": .time(updatedAt),
    ]
  }
}

extension Grant {
  /// The grant.
  var json: Value {
    [
      "id": .string(id), "permission": .string(permission), "task": .string(task),
      "run": .text(run), "source": .string(source.rawValue), "approval": .string(approval),
      "granted_by": .string(grantedBy), "version": .integer(version),
      "created_at": .time(createdAt), "expires_at": .time(expiresAt),
      "void": .bool(isVoid), "revoked_at": .time(revokedAt), "revoked_by": .text(revokedBy),
    ]
  }
}
