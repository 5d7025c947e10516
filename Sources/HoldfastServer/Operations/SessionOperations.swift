import Holdfast
import HoldfastCore

/// The write verbs of sessions and their items.
///
/// A session belongs to the namespace of its run, else to `global`.
enum SessionOperations {
  static let all = [save, touch, delete, append, pop, clear]

  static let save = WriteOperation("sessions.save") { fields, context throws(StoreError) in
    let id = try fields.optionalText("id") ?? context.ids.makeID(at: context.time.wallTime())
    var entry = SessionEntry(
      id, run: try fields.optionalText("run"), channel: try fields.optionalText("channel"),
      thread: try fields.optionalText("thread"), user: try fields.optionalText("user"))
    if fields.has("data") { entry.data = try fields.value("data") }
    let isOfNoRun = entry.run == nil
    var write = PreparedWrite(
      touches: entry.run.map { [.exactly(.run($0))] } ?? [],
      version: { tx throws(StoreError) in try tx.sessions.get(id)?.version }
    ) { [entry] tx throws(StoreError) in
      let saved = try tx.sessions.save(entry)
      return Reply(
        status: saved.isNew ? 201 : 200, body: saved.session.json,
        version: saved.session.version,
        location: saved.isNew ? "/v1/sessions/\(PercentText.encode(id))" : nil)
    }
    write.hotRows = [Sessions.hotRow(id)]
    // A session that is there says itself where it belongs; a new one without a run is global.
    write.owners = { tx throws(StoreError) in
      if let session = try tx.sessions.get(id) { return [.exactly(session.namespace)] }
      return isOfNoRun ? [.exactly(.global)] : []
    }
    return write
  }

  static let touch = WriteOperation("sessions.touch") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return write(id) { tx throws(StoreError) in
      let session = try tx.sessions.touch(id)
      return Reply(status: 200, body: session.json, version: session.version)
    }
  }

  static let delete = WriteOperation("sessions.delete") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return write(id) { tx throws(StoreError) in
      let deleted = try tx.sessions.delete(id)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }

  static let append = WriteOperation("sessions.append") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let items = try fields.items("items")
    return write(id) { tx throws(StoreError) in
      let appended = try tx.sessions.append(items, to: id)
      return Reply(
        status: 201,
        body: [
          "positions": .array(appended.positions.map(Value.integer)),
          "count": .integer(Int64(appended.itemCount)), "version": .integer(appended.version),
        ], version: appended.version, changed: !items.isEmpty)
    }
  }

  static let pop = WriteOperation("sessions.pop") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return write(id) { tx throws(StoreError) in
      let popped = try tx.sessions.pop(id)
      return Reply(
        status: 200,
        body: [
          "position": popped.item.map { .integer($0.position) } ?? .null,
          "item": popped.item?.item ?? .null, "count": .integer(Int64(popped.itemCount)),
          "version": .integer(popped.version),
        ], version: popped.version, changed: popped.item != nil)
    }
  }

  static let clear = WriteOperation("sessions.clear") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return write(id) { tx throws(StoreError) in
      let cleared = try tx.sessions.clear(id)
      return Reply(
        status: 204, body: ["cleared": .integer(Int64(cleared.removed))],
        changed: cleared.removed > 0)
    }
  }

  /// A write to a session that should be there.
  private static func write(
    _ id: String, _ run: @escaping @Sendable (Transaction) throws(StoreError) -> Reply
  ) -> PreparedWrite {
    var write = PreparedWrite(
      touches: [],
      version: { tx throws(StoreError) in try tx.sessions.get(id)?.version }, run: run)
    write.hotRows = [Sessions.hotRow(id)]
    write.owners = { tx throws(StoreError) in
      try tx.sessions.get(id).map { [.exactly($0.namespace)] } ?? []
    }
    return write
  }
}

extension SessionContext {
  /// The namespace that the session belongs to.
  var namespace: Namespace { .holding(run: run) }
}

/// The write verbs of thread sessions, which belong to the namespace `global`.
enum ThreadOperations {
  static let all = [upsert, touch, delete]

  static let upsert = WriteOperation("threads.upsert") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    let sessionKey = try fields.text("session_key")
    let data = fields.has("data") ? try fields.value("data") : [:]
    return place.write { tx throws(StoreError) in
      let saved = try tx.threads.upsert(
        channel: place.channel, thread: place.thread, sessionKey: sessionKey, data: data)
      return Reply(
        status: saved.isNew ? 201 : 200, body: saved.thread.json, version: saved.thread.version,
        location: saved.isNew ? place.location : nil)
    }
  }

  static let touch = WriteOperation("threads.touch") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    return place.write { tx throws(StoreError) in
      let thread = try tx.threads.touch(channel: place.channel, thread: place.thread)
      return Reply(status: 200, body: thread.json, version: thread.version)
    }
  }

  static let delete = WriteOperation("threads.delete") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    return place.write { tx throws(StoreError) in
      let deleted = try tx.threads.delete(channel: place.channel, thread: place.thread)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }

  /// The channel and the thread that every verb names.
  private struct Place: Sendable {
    let channel: String
    let thread: String

    init(_ fields: inout Fields) throws(StoreError) {
      channel = try fields.text("channel")
      thread = try fields.text("thread")
    }

    var location: String {
      "/v1/threads/\(PercentText.encode(channel))/\(PercentText.encode(thread))"
    }

    func write(
      _ run: @escaping @Sendable (Transaction) throws(StoreError) -> Reply
    ) -> PreparedWrite {
      PreparedWrite(
        touches: [.exactly(.global)],
        version: { [self] tx throws(StoreError) in
          try tx.threads.get(channel: channel, thread: thread)?.version
        }, run: run)
    }
  }
}
