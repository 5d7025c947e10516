import Holdfast
import HoldfastCore

/// The write verbs of keys and namespaces.
enum KeyValueOperations {
  static let all = [
    put, delete, increment, expire, persist, clear, putMany, deleteMany,
  ]

  static let put = WriteOperation("kv.put") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    let value = try fields.value("value")
    let ttl = try fields.optionalDuration("ttl")
    let description = try fields.optionalText("description")
    return place.write { tx throws(StoreError) in
      let result = try tx.kv(place.namespace).put(
        place.key, value, ttl: ttl, description: description)
      return reply(result, in: place.namespace)
    }
  }

  static let delete = WriteOperation("kv.delete") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    return place.write { tx throws(StoreError) in
      let deleted = try tx.kv(place.namespace).delete(place.key)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }

  static let increment = WriteOperation("kv.increment") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    let amount = try fields.optionalInteger("by") ?? 1
    var write = place.write { tx throws(StoreError) in
      let counter = try tx.kv(place.namespace).incrementEntry(place.key, by: amount)
      return Reply(
        status: 200,
        body: ["value": .integer(counter.value), "version": .integer(counter.version)],
        version: counter.version)
    }
    write.hotRows = [HotRow.number("kv", place.namespace.text, place.key)]
    return write
  }

  static let expire = WriteOperation("kv.expire") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    guard let ttl = try fields.optionalDuration("ttl") else { throw Fields.missing("ttl") }
    return place.write { tx throws(StoreError) in
      let entry = try tx.kv(place.namespace).expire(place.key, after: ttl)
      return Reply(status: 200, body: entry.json, version: entry.version)
    }
  }

  static let persist = WriteOperation("kv.persist") { fields, _ throws(StoreError) in
    let place = try Place(&fields)
    return place.write { tx throws(StoreError) in
      let entry = try tx.kv(place.namespace).persist(place.key)
      return Reply(status: 200, body: entry.json, version: entry.version)
    }
  }

  static let clear = WriteOperation("kv.clear") { fields, _ throws(StoreError) in
    let namespace = try fields.namespace()
    let below = try fields.optionalFlag("below") ?? false
    let touch: Touch = below ? .withAllBelow(namespace) : .exactly(namespace)
    return PreparedWrite(touches: [touch]) { tx throws(StoreError) in
      let count = try tx.namespaces.clear(namespace, below: below)
      return Reply(status: 204, body: ["cleared": .integer(Int64(count))], changed: count > 0)
    }
  }

  static let putMany = WriteOperation("kv.put_many") { fields, _ throws(StoreError) in
    let namespace = try fields.namespace()
    var puts: [Put] = []
    for (index, item) in try fields.items("items").enumerated() {
      do throws(StoreError) {
        puts.append(try Put(item))
      } catch {
        throw error.adding("index", .integer(Int64(index)))
      }
    }
    return PreparedWrite(touches: [.exactly(namespace)]) { [puts] tx throws(StoreError) in
      let results = try tx.kv(namespace).putMany(puts)
      let items = results.map { $0.entry.json(includingValue: false) }
      let version = results.first?.entry.version
      return Reply(
        status: 200,
        body: ["items": .array(items), "version": version.map(Value.integer) ?? .null],
        version: version, changed: !puts.isEmpty)
    }
  }

  static let deleteMany = WriteOperation("kv.delete_many") { fields, _ throws(StoreError) in
    let namespace = try fields.namespace()
    let keys = try fields.texts("keys")
    return PreparedWrite(touches: [.exactly(namespace)]) { tx throws(StoreError) in
      let count = try tx.kv(namespace).deleteMany(keys)
      return Reply(status: 200, body: ["deleted": .integer(Int64(count))], changed: count > 0)
    }
  }

  /// The answer to a put.
  static func reply(_ result: PutResult, in namespace: Namespace) -> Reply {
    Reply(
      status: result.isNew ? 201 : 200, body: result.entry.json, version: result.entry.version,
      location: result.isNew ? location(namespace, result.entry.key) : nil)
  }

  /// Where an entry is: libraries for URLs drop dots from a path, so such a key goes by the query.
  static func location(_ namespace: Namespace, _ key: String) -> String {
    let space = PercentText.encode(namespace.text)
    let name = PercentText.encode(key)
    guard !isDots(namespace.text), !isDots(key) else {
      return "/v1/entry?namespace=\(space)&key=\(name)"
    }
    return "/v1/kv/\(space)/\(name)"
  }

  private static func isDots(_ text: String) -> Bool { text == "." || text == ".." }
}

/// The namespace and the key that most verbs name.
private struct Place: Sendable {
  let namespace: Namespace
  let key: String

  init(_ fields: inout Fields) throws(StoreError) {
    namespace = try fields.namespace()
    key = try fields.text("key")
  }

  /// A write to this key.
  func write(
    _ run: @escaping @Sendable (Transaction) throws(StoreError) -> Reply
  ) -> PreparedWrite {
    PreparedWrite(
      touches: [.exactly(namespace)],
      version: { [self] tx throws(StoreError) in try tx.kv(namespace).getEntry(key)?.version },
      run: run)
  }
}

extension Put {
  /// An entry of a batch.
  fileprivate init(_ item: Value) throws(StoreError) {
    var fields = try Fields.of(item, in: "items")
    let key = try fields.text("key")
    let value = try fields.value("value")
    let ttl = try fields.optionalDuration("ttl")
    let description = try fields.optionalText("description")
    let condition = try Condition(taking: &fields)
    try fields.finish()
    self.init(key, value, ttl: ttl, description: description, if: condition)
  }
}

extension Condition {
  /// The condition in the fields `version` and `absent`; `nil` where neither is there.
  ///
  /// A null is refused: a condition that says nothing would let the write go through unguarded.
  init?(taking fields: inout Fields) throws(StoreError) {
    for name in ["version", "absent"] where fields.object[name]?.isNull == true {
      throw Fields.failure(
        name, "type", "A condition cannot be null.",
        hint: "Send \"absent\":true for a key that must not be there, or leave the field out.")
    }
    let version = try fields.optionalInteger("version")
    let absent = try fields.optionalFlag("absent") ?? false
    switch (version, absent) {
    case (nil, false): return nil
    case (nil, true): self = .absent
    case (let version?, false): self = .version(version)
    case (.some, true):
      throw Fields.failure(
        "absent", "contradiction", "A key cannot be absent and have a version.",
        hint: "Send one of the two.")
    }
  }
}
