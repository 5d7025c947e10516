import Holdfast
import HoldfastCore

/// The write verbs of files.
///
/// A file belongs to the namespace that it lies in.
enum FileOperations {
  static let all = [save, restore, rename, setIndexed, keepVersions, delete]

  /// Which file a verb writes.
  struct Place: Sendable {
    let namespace: Namespace
    let name: String

    init(_ namespace: Namespace, _ name: String) {
      self.namespace = namespace
      self.name = name
    }

    fileprivate init(taking fields: inout Fields, _ context: StoreContext) throws(StoreError) {
      let namespace = try fields.namespace()
      try Fields.naming("namespace") { () throws(StoreError) in
        try Checks.fileNamespace(namespace, context.limits)
      }
      self.init(namespace, try fields.text("name"))
    }

    /// The fields that say so.
    var fields: Object { ["namespace": .string(namespace.text), "name": .string(name)] }

    /// The path of its route.
    var path: String {
      "/v1/files/\(PercentText.encode(namespace.text))/\(PercentText.encode(name))"
    }
  }

  /// Saves content that comes in a field: as a text, or as `{"$bytes":…}`.
  static let save = WriteOperation("files.save") { fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    let content: [UInt8]
    switch try fields.value("content") {
    case .string(let text): content = Array(text.utf8)
    case .bytes(let bytes): content = bytes
    default: throw Fields.type("content", #"a string or {"$bytes":"base64"}"#)
    }
    let mediaType = try fields.optionalText("media_type")
    let mustExist = try fields.optionalFlag("must_exist") ?? false
    let manifest = try FileManifest(content, context.limits)
    return save(place, manifest, mediaType: mediaType, mustExist: mustExist, context)
  }

  /// Saves content that is cut into chunks.
  static func save(
    _ place: Place, _ manifest: FileManifest, mediaType: String?, mustExist: Bool,
    _ context: StoreContext
  ) -> PreparedWrite {
    write(place, context) { files throws(StoreError) in
      let isNew = try files.get(place.name) == nil
      let file = try files.save(
        place.name, manifest, mediaType: mediaType, mustExist: mustExist)
      return reply(file, in: place, isNew: isNew)
    }
  }

  static let restore = WriteOperation("files.restore") { fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    let number = try required(&fields, "number")
    return write(place, context) { files throws(StoreError) in
      reply(try files.restore(place.name, number: number), in: place)
    }
  }

  static let rename = WriteOperation("files.rename") { fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    let newName = try fields.text("to")
    var prepared = write(place, context) { files throws(StoreError) in
      let file = try files.rename(place.name, to: newName)
      return reply(file, in: Place(place.namespace, newName))
    }
    prepared.hotRows.append(context.hotRow(Place(place.namespace, newName)))
    prepared.hotRows.sort()
    return prepared
  }

  static let setIndexed = WriteOperation("files.set_indexed") {
    fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    guard let indexed = try fields.optionalFlag("indexed") else { throw Fields.missing("indexed") }
    return write(place, context) { files throws(StoreError) in
      reply(try files.setIndexed(place.name, indexed), in: place)
    }
  }

  static let keepVersions = WriteOperation("files.keep_versions") {
    fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    let count = Int(clamping: try required(&fields, "versions"))
    return write(place, context) { files throws(StoreError) in
      let removed = try files.keepVersions(count, of: place.name)
      return Reply(
        status: 200, body: ["removed": .integer(Int64(removed))], changed: removed > 0)
    }
  }

  static let delete = WriteOperation("files.delete") { fields, context throws(StoreError) in
    let place = try Place(taking: &fields, context)
    return write(place, context) { files throws(StoreError) in
      let deleted = try files.delete(place.name)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }
}

extension FileOperations {
  private static func required(
    _ fields: inout Fields, _ name: String
  ) throws(StoreError) -> Int64 {
    guard let number = try fields.optionalInteger(name) else { throw Fields.missing(name) }
    return number
  }

  /// A write of one file, whose entity tag is its digest; its version counts as one too.
  private static func write(
    _ place: Place, _ context: StoreContext,
    _ change: @escaping @Sendable (FilesTransaction) throws(StoreError) -> Reply
  ) -> PreparedWrite {
    PreparedWrite(
      touches: [.exactly(place.namespace)], hotRows: [context.hotRow(place)],
      version: { tx throws(StoreError) in
        try tx.files(place.namespace).get(place.name)?.version
      },
      digest: { tx throws(StoreError) in try tx.files(place.namespace).get(place.name)?.digest }
    ) { tx throws(StoreError) in
      try change(tx.files(place.namespace))
    }
  }

  private static func reply(_ file: File, in place: Place, isNew: Bool = false) -> Reply {
    Reply(
      status: isNew ? 201 : 200, body: file.json(in: place.namespace), version: file.version,
      tag: file.digest, location: isNew ? place.path : nil)
  }
}

extension StoreContext {
  /// The row at which those who write one file meet.
  fileprivate func hotRow(_ place: FileOperations.Place) -> Int64 {
    Files.hotRow(place.namespace, place.name)
  }
}
