import Holdfast
import HoldfastCore

/// The write verbs of bots.
///
/// A bot belongs to its own namespace, `bot:ID`.
enum BotOperations {
  static let all = [create, update, delete]

  static let create = WriteOperation("bots.create") { fields, context throws(StoreError) in
    let id = try fields.optionalText("id") ?? context.ids.makeID(at: context.time.wallTime())
    let slug = try fields.text("slug")
    let name = try fields.optionalText("name")
    let metadata = try fields.optionalObject("metadata") ?? [:]
    return PreparedWrite(touches: [.exactly(.bot(id))]) { tx throws(StoreError) in
      let bot = try tx.bots.create(id, slug: slug, name: name, metadata: metadata)
      return Reply(
        status: 201, body: bot.json, version: bot.version,
        location: "/v1/bots/\(PercentText.encode(bot.id))")
    }
  }

  static let update = WriteOperation("bots.update") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let slug = try fields.optionalText("slug")
    let name = try fields.optionalText("name")
    let metadata = try fields.optionalObject("metadata")
    return PreparedWrite(
      touches: [.exactly(.bot(id))],
      version: { tx throws(StoreError) in try tx.bots.get(id)?.version }
    ) { tx throws(StoreError) in
      let bot = try tx.bots.update(id, slug: slug, name: name, metadata: metadata)
      return Reply(status: 200, body: bot.json, version: bot.version)
    }
  }

  static let delete = WriteOperation("bots.delete") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    return PreparedWrite(
      touches: [.withAllBelow(.bot(id))],
      version: { tx throws(StoreError) in try tx.bots.get(id)?.version }
    ) { tx throws(StoreError) in
      let deleted = try tx.bots.delete(id)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }
}
