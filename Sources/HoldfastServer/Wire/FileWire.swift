import Holdfast
import HoldfastCore

extension File {
  /// The file without its content.
  ///
  /// - Parameter namespace: Where it lies.
  /// - Returns: An object.
  func json(in namespace: Namespace) -> Value {
    [
      "namespace": .string(namespace.text), "name": .string(name),
      "media_type": .string(mediaType), "size": .integer(Int64(size)),
      "number": .integer(number), "versions": .integer(Int64(versions)),
      "digest": .string(digest), "indexed": .bool(isIndexed), "version": .integer(version),
      "created_at": .time(createdAt), "updated_at": .time(updatedAt),
    ]
  }
}

extension FileVersion {
  /// The version without its content.
  var json: Value {
    [
      "number": .integer(number), "media_type": .string(mediaType),
      "size": .integer(Int64(size)), "digest": .string(digest), "version": .integer(version),
      "created_at": .time(createdAt),
    ]
  }
}

extension FileDiff {
  /// The difference.
  var json: Value {
    ["from": .integer(from), "to": .integer(to), "diff": .string(text)]
  }
}
