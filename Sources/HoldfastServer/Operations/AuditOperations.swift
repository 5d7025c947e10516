import Holdfast
import HoldfastCore

/// The write verbs of the audit log: it only grows.
///
/// A record belongs to the namespace of its run, else of its bot, else to `global`. Its actor is
/// who sends it; whom the sender names is kept beside that, unproven.
enum AuditOperations {
  static let all = [record]

  /// One record with its fields, or several as `records`.
  static let record = WriteOperation("audit.record") { fields, _ throws(StoreError) in
    guard let items = fields.optional("records") else {
      let entry = try entry(&fields)
      return PreparedWrite(touches: [.exactly(entry.namespace)]) { tx throws(StoreError) in
        let record = try tx.audit.record(entry)
        return Reply(status: 201, body: record.json, location: "/v1/audit/\(record.id)")
      }
    }
    let entries = try entries(items)
    return PreparedWrite(
      touches: entries.map { .exactly($0.namespace) }
    ) { tx throws(StoreError) in
      let records = try tx.audit.record(entries)
      return Reply(
        status: 201, body: ["items": .array(records.map(\.json))], changed: !records.isEmpty)
    }
  }

  private static func entries(_ value: Value) throws(StoreError) -> [AuditEntry] {
    guard let items = value.arrayValue else { throw Fields.type("records", "a list of objects") }
    var entries: [AuditEntry] = []
    for item in items {
      var fields = try Fields.of(item, in: "records")
      entries.append(try entry(&fields))
      try fields.finish()
    }
    return entries
  }

  private static func entry(_ fields: inout Fields) throws(StoreError) -> AuditEntry {
    var entry = AuditEntry(
      action: try fields.text("action"), subject: try fields.optionalText("subject"),
      bot: try fields.optionalText("bot"), run: try fields.optionalText("run"),
      memory: try fields.optionalText("memory"), result: try fields.optionalText("result"),
      details: try fields.optionalObject("details") ?? [:])
    let actor = try fields.optionalText("actor")
    entry.by = try fields.optionalText("by") ?? actor
    return entry
  }
}
