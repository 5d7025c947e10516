import Holdfast
import HoldfastCore

/// What the store's types look like in JSON. What is not there is null, never left out.
extension Entry {
  /// The entry with its value.
  var json: Value { json(includingValue: true) }

  /// The entry, with its value or without.
  ///
  /// - Parameter includingValue: Whether the value comes along.
  /// - Returns: An object.
  func json(includingValue: Bool) -> Value {
    Self.json(
      key: key, value: includingValue ? value : Value?.none, version: version,
      description: description, createdAt: createdAt, updatedAt: updatedAt, expiresAt: expiresAt)
  }

  /// The fields of an entry in their order, of which a listed key has the same.
  fileprivate static func json(
    key: String, value: Value?, version: Int64, description: String?, createdAt: Instant,
    updatedAt: Instant, expiresAt: Instant?
  ) -> Value {
    var object: Object = ["key": .string(key)]
    if let value { object["value"] = value }
    object["version"] = .integer(version)
    object["description"] = .text(description)
    object["created_at"] = .time(createdAt)
    object["updated_at"] = .time(updatedAt)
    object["expires_at"] = .time(expiresAt)
    return .object(object)
  }
}

extension Entry {
  /// The text of ``json``, written in one go: it is what servers are asked for most.
  var jsonBytes: [UInt8] {
    let value = value.jsonBytes
    var text: [UInt8] = []
    text.reserveCapacity(value.count + key.utf8.count + (description?.utf8.count ?? 0) + 192)
    text += #"{"key":"#.utf8
    text += Value.string(key).jsonBytes
    text += #","value":"#.utf8
    text += value
    text += #","version":"#.utf8
    text += String(version).utf8
    text += #","description":"#.utf8
    if let description {
      text += Value.string(description).jsonBytes
    } else {
      text += "null".utf8
    }
    text += #","created_at":""#.utf8
    text += createdAt.rfc3339.utf8
    text += #"","updated_at":""#.utf8
    text += updatedAt.rfc3339.utf8
    text += #"","expires_at":"#.utf8
    if let expiresAt {
      text += Value.string(expiresAt.rfc3339).jsonBytes
    } else {
      text += "null".utf8
    }
    text.append(UInt8(ascii: "}"))
    return text
  }
}

extension ListedKey {
  /// The key, with its value where the list was asked for values.
  var json: Value {
    Entry.json(
      key: key, value: value, version: version, description: description, createdAt: createdAt,
      updatedAt: updatedAt, expiresAt: expiresAt)
  }
}

extension Run {
  /// The run.
  var json: Value {
    [
      "id": .string(id), "status": .string(status.rawValue), "parent": .text(parent),
      "tags": .array(tags.map(Value.string)), "metadata": metadata, "error": .text(error),
      "version": .integer(version), "created_at": .time(createdAt),
      "updated_at": .time(updatedAt), "completed_at": .time(completedAt),
    ]
  }
}

extension Bot {
  /// The bot.
  var json: Value {
    [
      "id": .string(id), "slug": .string(slug), "name": .string(name), "metadata": metadata,
      "version": .integer(version), "created_at": .time(createdAt),
      "updated_at": .time(updatedAt),
    ]
  }
}

extension Token {
  /// The token without its secret.
  var json: Object {
    [
      "name": .string(name), "role": .string(role.rawValue),
      "namespaces": .array(patterns.map { .string($0.text) }), "prefix": .string(prefix),
      "created_at": .time(createdAt), "expires_at": .time(expiresAt),
    ]
  }
}

extension Change {
  /// The event.
  ///
  /// A key of `kv` is a `key`, everything else has an `id`; an event that concerns a whole
  /// namespace has neither.
  var json: Value {
    var object: Object = [
      "cursor": .string(cursor.description), "revision": .integer(revision),
      "kind": .string(kind), "namespace": .string(namespace),
    ]
    if let subject { object[kind == "kv" ? "key" : "id"] = .string(subject) }
    object["operation"] = .string(operation)
    if below { object["below"] = true }
    return .object(object)
  }
}

extension Value {
  /// A text, or null where there is none.
  static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }

  /// A time in RFC 3339, or null where there is none.
  static func time(_ time: Instant?) -> Value { time.map { .string($0.rfc3339) } ?? .null }

  /// A page of a list.
  static func page(_ items: [Value], next: String?) -> Object {
    ["items": .array(items), "next": .text(next)]
  }
}
