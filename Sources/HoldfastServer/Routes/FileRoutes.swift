import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOCore

/// Files: their content streams both ways.
enum FileRoutes {
  static let all =
    [
      Route(.get, "/v1/files/{namespace}", role: .reader, answer: list),
      Route(.get, path, role: .reader, answer: get),
      Route(.put, path, role: .agent, pace: .streaming, answer: put),
      Route(.patch, path, role: .agent) { call in
        try await change(call, FileOperations.setIndexed)
      },
      Route(.delete, path, role: .agent, answer: delete),
      Route(.get, "\(path)/metadata", role: .reader, answer: metadata),
      Route(.get, "\(path)/versions", role: .reader, answer: versions),
      Route(.get, "\(path)/diff", role: .reader, answer: diff),
    ] + verbs

  private static let path = "/v1/files/{namespace}/{name}"

  private static let verbs = [
    ("restore", FileOperations.restore), ("rename", FileOperations.rename),
    ("keep-versions", FileOperations.keepVersions),
  ].map { word, write in
    Route(.post, "\(path)/\(word)", role: write.role) { call in try await change(call, write) }
  }

  private static func place(_ call: Call) throws(Refusal) -> FileOperations.Place {
    FileOperations.Place(try namespace(call), try call.fileName())
  }

  private static func namespace(_ call: Call) throws(Refusal) -> Namespace {
    let namespace = try call.namespace()
    try Refusal.asMalformed { () throws(StoreError) in
      try Checks.fileNamespace(namespace, call.limits)
    }
    return namespace
  }

  private static func missing(_ place: FileOperations.Place) -> StoreError {
    StoreError(
      .notFound, "There is no such file.", hint: "Save the file first.", details: place.fields)
  }
}

/// Writes.
extension FileRoutes {
  /// Takes the content in, then makes the version.
  ///
  /// What can be refused without the content is refused before it comes. The content's digest
  /// stands for it in what an idempotency key is compared by.
  private static func put(_ call: Call) async throws -> Response {
    let place = try place(call)
    let mustExist = try call.query { query throws(Refusal) in try query.flag("must_exist") }
    try call.access.require(.exactly(place.namespace))
    let mediaType = call.headers[.contentType]
    if let mediaType {
      try Refusal.asMalformed { () throws(StoreError) in
        try Checks.mediaType(mediaType, call.limits)
      }
    }
    let conditions = try Precondition.read(call.headers)
    let settings = try call.settings()
    let files = call.store.files(place.namespace)
    // The first answer of a repeated request stands, whatever has become of the file since.
    if settings.idempotencyKey == nil {
      try await files.checkSave(place.name, mediaType: mediaType, mustExist: mustExist)
    }
    guard let stream = call.stream else {
      throw StoreError(.internal, "A route that streams its body has none.")
    }
    let manifest = try await files.stage(stream)
    // Content comes for as long as it moves: its token may have been revoked meanwhile.
    try await call.core.trust(call)
    let write = FileOperations.save(
      place, manifest, mediaType: mediaType, mustExist: mustExist, call.store.context)
    var arguments = place.fields
    arguments["digest"] = .bytes(manifest.digest)
    arguments["media_type"] = .text(mediaType)
    arguments["must_exist"] = .bool(mustExist)
    let access = call.access
    let reply = try await call.store.perform(
      FileOperations.save.operation, settings,
      arguments: [.object(arguments), .array(conditions.map(\.argument))],
      hotRows: write.hotRows
    ) { transaction in
      try write.run(conditions, as: access, in: transaction)
    }
    return .reply(reply)
  }

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let place = try place(call)
    try call.access.require(.exactly(place.namespace))
    return try await call.answer(write, path: place.fields)
  }

  private static func delete(_ call: Call) async throws -> Response {
    let place = try place(call)
    try call.access.require(.exactly(place.namespace))
    try call.noQuery()
    return try await call.delete(
      FileOperations.delete, path: place.fields, orElse: missing(place))
  }
}

/// Reads.
extension FileRoutes {
  private static func list(_ call: Call) async throws -> Response {
    let namespace = try namespace(call)
    let (after, limit) = try call.query { query throws(Refusal) in
      (query.text("after"), try query.number("limit"))
    }
    try call.requireRead(
      namespace,
      orElse: StoreError(
        .notFound, "There is no such namespace.", hint: "Save a file into it first.",
        details: ["namespace": .string(namespace.text)]))
    let page = try await call.store.files(namespace).list(after: after, limit: limit)
    return .json(
      .object(Value.page(page.items.map { $0.json(in: namespace) }, next: page.next)))
  }

  private static func metadata(_ call: Call) async throws -> Response {
    try call.noQuery()
    let place = try place(call)
    try call.requireRead(place.namespace, orElse: missing(place))
    guard let file = try await call.store.files(place.namespace).get(place.name) else {
      throw missing(place)
    }
    let response = try unchanged(call, file.digest)
    return response
      ?? .json(
        file.json(in: place.namespace), headers: [.eTag: EntityTags.tag(file.digest)])
  }

  private static func versions(_ call: Call) async throws -> Response {
    let place = try place(call)
    let (after, limit) = try call.query { query throws(Refusal) in
      (query.text("after"), try query.number("limit"))
    }
    try call.requireRead(place.namespace, orElse: missing(place))
    let page = try await call.store.files(place.namespace)
      .versions(of: place.name, after: after, limit: limit)
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func diff(_ call: Call) async throws -> Response {
    let place = try place(call)
    let (from, to) = try call.query { query throws(Refusal) in
      (try query.number("from"), try query.number("to"))
    }
    try call.requireRead(place.namespace, orElse: missing(place))
    let diff = try await call.store.files(place.namespace)
      .diff(place.name, from: from.map(Int64.init), to: to.map(Int64.init))
    return .json(diff.json)
  }

  private static func get(_ call: Call) async throws -> Response {
    let place = try place(call)
    let number = try call.query { query throws(Refusal) in try query.number("number") }
    try call.requireRead(place.namespace, orElse: missing(place))
    let content = try await call.store.files(place.namespace)
      .content(place.name, number: number.map(Int64.init))
    let version = content.version
    if let response = try unchanged(call, version.digest) { return response }
    let isHead = call.request.method == .head
    let range =
      isHead
      ? .whole : ByteRange(call.headers, size: version.size, tag: version.digest)
    var headers = headers(of: version)
    switch range {
    case .whole: return response(content, .ok, headers)
    case .part(let bytes):
      headers[.contentRange] =
        "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(version.size)"
      return response(content.part(bytes), .partialContent, headers)
    case .beyond:
      let error = StoreError(
        .invalid, "The range begins behind the end of the file.",
        hint: "Ask for bytes that are there.",
        details: ["reason": "out_of_range", "size": .integer(Int64(version.size))])
      throw Refusal(error, status: 416, headers: [.contentRange: "bytes */\(version.size)"])
    }
  }

  /// The header fields of content that somebody else has written: a browser takes it for what it
  /// says it is, and runs nothing in it.
  private static func headers(of version: FileVersion) -> HTTPFields {
    [
      .contentType: version.mediaType, .eTag: EntityTags.tag(version.digest),
      .acceptRanges: "bytes", .of("X-File-Number"): String(version.number),
      .of("X-Content-Type-Options"): "nosniff",
      .of("Content-Security-Policy"): "default-src 'none'; sandbox",
    ]
  }

  /// An answer whose body is read from the store while it is written.
  ///
  /// Content that turns out to be broken ends the connection before the announced length.
  private static func response(
    _ content: FileContent, _ status: HTTPResponse.Status, _ headers: HTTPFields
  ) -> Response {
    Response(
      status: status, headers: headers,
      body: ResponseBody(contentLength: content.range.count) { writer in
        for try await piece in content { try await writer.write(ByteBuffer(bytes: piece)) }
        try await writer.finish(nil)
      })
  }

  /// 304 where the caller has this content; `nil` where it is to be sent.
  private static func unchanged(_ call: Call, _ digest: String) throws(Refusal) -> Response? {
    for condition in try Precondition.read(call.headers) where !condition.holds(for: [digest]) {
      switch condition {
      case .absent, .noneOf:
        return .empty(.notModified, headers: [.eTag: EntityTags.tag(digest)])
      case .exists, .oneOf:
        let error = StoreError(
          .conflict, "The condition does not hold: the file has other content.",
          hint: "Read it again and decide again.", details: ["digest": .string(digest)])
        throw Refusal(error, status: 412)
      }
    }
    return nil
  }
}
