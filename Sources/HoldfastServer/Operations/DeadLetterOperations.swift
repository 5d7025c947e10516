import Holdfast
import HoldfastCore

/// The write verbs of dead letters.
///
/// A letter belongs to the namespace of its run, else to `global`.
enum DeadLetterOperations {
  static let all = [save, retryFailed, resolve, redrive, redriveMany]

  static let save = WriteOperation("dead_letters.save") { fields, context throws(StoreError) in
    let id = try fields.optionalText("id") ?? context.ids.makeID(at: context.time.wallTime())
    let source = try fields.text("source")
    // A letter that names a task may make a new one of it, and so is the store's to write.
    guard !source.utf8.starts(with: "task:".utf8) else {
      throw Fields.failure(
        "source", "reserved", "The letter of a task is written by the store.",
        hint: "Name a source that does not begin with task:.")
    }
    let entry = DeadLetterEntry(
      id, source: source, message: try fields.value("message"),
      error: try fields.optionalText("error"), channel: try fields.optionalText("channel"),
      thread: try fields.optionalText("thread"), run: try fields.optionalText("run"),
      nextRetryAt: try fields.optionalTime("next_retry_at"))
    var write = write(id) { tx throws(StoreError) in
      let isNew = try tx.deadLetters.get(id) == nil
      let letter = try tx.deadLetters.save(entry)
      return Reply(
        status: isNew ? 201 : 200, body: letter.json, version: letter.version,
        location: isNew ? "/v1/dead-letters/\(PercentText.encode(id))" : nil)
    }
    // A letter that is there says itself where it belongs; a new one is where its run is.
    let home = Namespace.holding(run: entry.run)
    write.owners = { tx throws(StoreError) in
      guard let letter = try tx.deadLetters.get(id) else { return [.exactly(home)] }
      let known = Touch.exactly(letter.namespace)
      return entry.run == nil ? [known] : [known, .exactly(home)]
    }
    return write
  }

  static let retryFailed = WriteOperation("dead_letters.retry_failed") {
    fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let error = try fields.optionalText("error")
    // A next try that is null gives the letter up; one that is left out is the store's to choose.
    let isGiven = fields.has("next_retry_at")
    let next = try fields.optionalTime("next_retry_at")
    return write(id) { tx throws(StoreError) in
      let letter =
        isGiven
        ? try tx.deadLetters.retryFailed(id, next: next, error: error)
        : try tx.deadLetters.retryFailed(id, error: error)
      return Reply(status: 200, body: letter.json, version: letter.version)
    }
  }

  static let resolve = WriteOperation("dead_letters.resolve") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let reason = try fields.optionalText("reason")
    return write(id) { tx throws(StoreError) in
      let letter = try tx.deadLetters.resolve(id, reason: reason)
      return Reply(status: 200, body: letter.json, version: letter.version)
    }
  }

  static let redrive = WriteOperation("dead_letters.redrive", role: .operator) {
    fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let edit = try Edit(&fields)
    return write(id) { tx throws(StoreError) in
      let letter = try tx.deadLetters.redrive(id, message: edit.message, reason: edit.reason)
      return Reply(status: 200, body: letter.json, version: letter.version)
    }
  }

  /// Those that are named, all or none; or a page of those that a filter matches.
  static let redriveMany = WriteOperation("dead_letters.redrive_many", role: .operator) {
    fields, _ throws(StoreError) in
    let ids = try fields.optionalTexts("ids")
    let edit = try Edit(&fields)
    guard let ids else { return try redriveAll(&fields, edit) }
    var write = PreparedWrite(touches: []) { tx throws(StoreError) in
      let letters = try tx.deadLetters.redriveMany(
        ids, message: edit.message, reason: edit.reason)
      return Reply(
        status: 200, body: .object(Value.page(letters.map(\.json), next: nil)),
        changed: !ids.isEmpty)
    }
    write.owners = { tx throws(StoreError) in
      var touches: [Touch] = []
      for id in ids {
        if let letter = try tx.deadLetters.get(id) { touches.append(.exactly(letter.namespace)) }
      }
      return touches
    }
    return write
  }

  private static func redriveAll(
    _ fields: inout Fields, _ edit: Edit
  ) throws(StoreError) -> PreparedWrite {
    var query = DeadLetterQuery(
      source: try fields.optionalText("source"), run: try fields.optionalText("run"),
      since: try fields.optionalTime("since"), until: try fields.optionalTime("until"),
      after: try fields.optionalText("after"),
      limit: try fields.optionalInteger("limit").map { Int($0) })
    query.status = try fields.optionalWord("status")
    @Sendable func reply(_ page: Page<DeadLetter>) -> Reply {
      Reply(
        status: 200, body: .object(Value.page(page.items.map(\.json), next: page.next)),
        changed: !page.items.isEmpty)
    }
    let found = query
    var write = PreparedWrite(touches: []) { tx throws(StoreError) in
      reply(
        try tx.deadLetters.redriveAll(found, message: edit.message, reason: edit.reason))
    }
    // As a list shows only what the caller may see, the filter reaches nothing else.
    write.runRestricted = { tx, access throws(StoreError) in
      reply(
        try tx.deadLetters.redriveAll(found, message: edit.message, reason: edit.reason) {
          access.reads($0.namespace)
        })
    }
    return write
  }

  /// A write to a letter that should be there.
  private static func write(
    _ id: String, _ run: @escaping @Sendable (Transaction) throws(StoreError) -> Reply
  ) -> PreparedWrite {
    var write = PreparedWrite(
      touches: [],
      version: { tx throws(StoreError) in try tx.deadLetters.get(id)?.version }, run: run)
    write.owners = { tx throws(StoreError) in
      try tx.deadLetters.get(id).map { [.exactly($0.namespace)] } ?? []
    }
    return write
  }

  /// What a redrive changes, and why.
  private struct Edit: Sendable {
    let message: Value?
    let reason: String?

    init(_ fields: inout Fields) throws(StoreError) {
      message = fields.has("message") ? .some(try fields.value("message")) : Value?.none
      reason = try fields.optionalText("reason")
    }
  }
}

extension DeadLetter {
  /// The namespace that the letter belongs to.
  var namespace: Namespace { .holding(run: run) }
}
