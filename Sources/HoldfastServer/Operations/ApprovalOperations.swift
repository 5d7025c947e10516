import Holdfast
import HoldfastCore

/// The write verbs of approvals.
///
/// An approval belongs to the namespace of its run, or to `global`; which that is only the store
/// knows once the approval is there.
enum ApprovalOperations {
  static let all = [request, decide, consume, delete]

  static let request = WriteOperation("approvals.request") { fields, context throws(StoreError) in
    let id = try fields.optionalText("id") ?? context.ids.makeID(at: context.time.wallTime())
    let request = try ApprovalRequest(id, taking: &fields)
    let isElsewhere = request.run == nil && request.scope.task != nil
    var write = PreparedWrite(
      touches: isElsewhere ? [] : [.exactly(.holding(run: request.run))]
    ) { tx throws(StoreError) in
      let approval = try tx.approvals.request(request)
      return Reply(
        status: 201, body: approval.json, version: approval.version,
        location: "/v1/approvals/\(PercentText.encode(approval.id))")
    }
    if let task = request.scope.task {
      write.owners = { tx throws(StoreError) in
        try tx.approvals.namespace(ofTask: task).map { [.exactly($0)] } ?? []
      }
    }
    return write
  }

  static let decide = WriteOperation(
    "approvals.decide", role: .operator
  ) { fields, _ throws(StoreError) in
    let decision: ApprovalDecision = try fields.word("decision")
    let claim = try fields.optionalText("by")
    let reason = try fields.optionalText("reason")
    let grant = try fields.optionalFlag("grant") ?? false
    return try write(&fields) { tx, id throws(StoreError) in
      let decider = ApprovalDecider(tx.actor, claim: claim)
      return try tx.approvals.decide(id, decision, by: decider, reason: reason, grant: grant)
    }
  }

  static let consume = WriteOperation("approvals.consume") { fields, _ throws(StoreError) in
    let scope = try ApprovalScope(taking: &fields)
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.approvals.consume(id, scope)
    }
  }

  /// Deleting cancels the task that waits, which is for operators.
  static let delete = WriteOperation(
    "approvals.delete", role: .operator
  ) { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return PreparedWrite(
      touches: [], hotRows: [Approvals.hotRow(id)], version: version(of: id), owners: owners(of: id)
    ) { tx throws(StoreError) in
      let deleted = try tx.approvals.delete(id)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }

  private static func write(
    _ fields: inout Fields,
    _ change: @escaping @Sendable (Transaction, String) throws(StoreError) -> Approval
  ) throws(StoreError) -> PreparedWrite {
    let id = try fields.text("id")
    return PreparedWrite(
      touches: [], hotRows: [Approvals.hotRow(id)], version: version(of: id), owners: owners(of: id)
    ) { tx throws(StoreError) in
      let before = try tx.approvals.get(id)?.version
      let approval = try change(tx, id)
      return Reply(
        status: 200, body: approval.json, version: approval.version,
        changed: approval.version != before)
    }
  }

  private static func version(
    of id: String
  ) -> @Sendable (Transaction) throws(StoreError) -> Int64? {
    { tx throws(StoreError) in try tx.approvals.get(id)?.version }
  }

  private static func owners(
    of id: String
  ) -> @Sendable (Transaction) throws(StoreError) -> [Touch] {
    { tx throws(StoreError) in
      try tx.approvals.get(id).map { [.exactly($0.namespace)] } ?? []
    }
  }
}

extension ApprovalRequest {
  /// Takes the fields of a request.
  fileprivate init(_ id: String, taking fields: inout Fields) throws(StoreError) {
    let scope = try ApprovalScope(taking: &fields)
    self.init(scope.action, id: id)
    self.scope = scope
    permission = try fields.optionalText("permission")
    run = try fields.optionalText("run")
    channel = try fields.optionalText("channel")
    thread = try fields.optionalText("thread")
    ttl = try fields.optionalDuration("ttl")
    token = try fields.optionalInteger("fencing_token")
  }
}

extension ApprovalScope {
  /// Takes the fields that a decision covers.
  fileprivate init(taking fields: inout Fields) throws(StoreError) {
    self.init(
      try fields.text("action"), resource: try fields.optionalText("resource"),
      parameters: fields.optional("parameters") ?? [:], caller: try fields.optionalText("caller"),
      task: try fields.optionalText("task"))
  }
}
