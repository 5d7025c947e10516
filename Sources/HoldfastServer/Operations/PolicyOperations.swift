import Holdfast
import HoldfastCore

/// The write verbs of policies, which hold for requests from every namespace.
enum PolicyOperations {
  static let all = [set, delete]

  static let set = WriteOperation("policies.set", role: .admin) { fields, _ throws(StoreError) in
    let permission = try fields.text("permission")
    let mode: PolicyMode = try fields.word("mode")
    let grants = try fields.optionalFlag("grants")
    return PreparedWrite(
      touches: [.everything],
      version: { tx throws(StoreError) in try tx.policies.get(permission)?.version }
    ) { tx throws(StoreError) in
      let result = try tx.policies.set(permission, mode, grants: grants)
      return Reply(
        status: result.isNew ? 201 : 200, body: result.policy.json,
        version: result.policy.version,
        location: result.isNew ? "/v1/policies/\(PercentText.encode(permission))" : nil)
    }
  }

  static let delete = WriteOperation(
    "policies.delete", role: .admin
  ) { fields, _ throws(StoreError) in
    let permission = try fields.text("permission")
    return PreparedWrite(
      touches: [.everything],
      version: { tx throws(StoreError) in try tx.policies.get(permission)?.version }
    ) { tx throws(StoreError) in
      let deleted = try tx.policies.delete(permission)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }
}

/// The write verb of grants: they are made by decisions alone.
enum GrantOperations {
  static let all = [revoke]

  static let revoke = WriteOperation(
    "grants.revoke", role: .operator
  ) { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return PreparedWrite(
      touches: [],
      version: { tx throws(StoreError) in try tx.grants.get(id)?.version },
      owners: { tx throws(StoreError) in
        try tx.grants.get(id).map { [.exactly($0.namespace)] } ?? []
      }
    ) { tx throws(StoreError) in
      let before = try tx.grants.get(id)?.version
      let grant = try tx.grants.revoke(id)
      return Reply(
        status: 200, body: grant.json, version: grant.version, changed: grant.version != before)
    }
  }
}
