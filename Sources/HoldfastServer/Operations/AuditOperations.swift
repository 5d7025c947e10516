import Holdfast
import HoldfastCore

/// The write verbs of the audit log: it only grows.
///
/// A record belongs to the namespaces of its run and its bot: whoever writes or sees it must reach
/// both; one that names neither belongs to `global`. Its actor is who sends it; whom the sender
/// names is kept beside that, unproven. Nobody sends what the store itself records.
enum AuditOperations {
  static let all = [record]

  /// One record with its fields, or several as `records`.
  static let record = WriteOperation("audit.record") { fields, _ throws(StoreError) in
    guard let items = fields.optional("records") else {
      let entry = try entry(&fields)
      return PreparedWrite(touches: entry.namespaces.map { .exactly($0) }) {
        tx throws(StoreError) in
        let record = try tx.audit.record(entry)
        return Reply(status: 201, body: record.json, location: "/v1/audit/\(record.id)")
      }
    }
    let entries = try entries(items)
    return PreparedWrite(
      touches: entries.flatMap(\.namespaces).map { .exactly($0) }
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
    guard !AuditAction.all.contains(entry.action) else {
      throw Fields.failure(
        "action", "reserved", "An action of this name is recorded by the store alone.",
        hint: "Give the action another name, such as one that begins with your own system's.")
    }
    let actor = try fields.optionalText("actor")
    entry.by = try fields.optionalText("by") ?? actor
    return entry
  }
}

extension AuditEntry {
  /// The namespaces that decide who may add it.
  fileprivate var namespaces: [Namespace] { .holding(run: run, bot: bot) }
}

extension Access {
  /// Whether an audit record may be seen.
  ///
  /// - Parameter record: The record.
  /// - Returns: Whether it may.
  func reads(_ record: AuditRecord) -> Bool {
    guard !AuditAction.ofStore.contains(record.action) else { return isUnrestricted }
    return [Namespace].holding(run: record.run, bot: record.bot).allSatisfy { reads($0) }
  }
}

extension [Namespace] {
  /// The namespaces of what may name a run and a bot both.
  fileprivate static func holding(run: String?, bot: String?) -> [Namespace] {
    let named = [run.map { Namespace.run($0) }, bot.map { Namespace.bot($0) }].compactMap(\.self)
    return named.isEmpty ? [.global] : named
  }
}
