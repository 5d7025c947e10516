import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird
import NIOCore

/// One request on its way to its route's answer.
final class Call: Sendable {
  let request: Request
  /// Who asks.
  let access: Access
  let core: ServerCore
  /// Where it came from; `nil` inside this process.
  let channel: (any Channel)?
  /// The body, for a route that takes one.
  private let body: Bodies.Body?
  /// The body as it comes, for a route that streams it.
  let stream: BodyStream?
  private let route: Route
  private let target: RequestTarget

  init(
    _ request: Request, _ target: RequestTarget, _ route: Route, access: Access,
    core: ServerCore, channel: (any Channel)?, body: Bodies.Body?, stream: BodyStream?
  ) {
    self.request = request
    self.target = target
    self.route = route
    self.access = access
    self.core = core
    self.channel = channel
    self.body = body
    self.stream = stream
  }

  var store: Store { core.store }
  var limits: Limits { core.store.context.limits }
  var headers: HTTPFields { request.head.headerFields }
}

/// The path.
extension Call {
  /// What stands in a place of the route's pattern, decoded.
  private func text(_ place: Int) -> String { target.segments[route.places[place]] }

  /// The namespace in a place of the path.
  ///
  /// - Parameter place: Which place.
  /// - Returns: The namespace.
  /// - Throws: 400 for what is none.
  func namespace(_ place: Int = 0) throws(Refusal) -> Namespace {
    try Refusal.asMalformed { () throws(StoreError) in
      try Namespace(text(place), limits: limits)
    }
  }

  /// The key in a place of the path.
  ///
  /// - Parameter place: Which place.
  /// - Returns: The key.
  /// - Throws: 400 for what is none.
  func key(_ place: Int = 1) throws(Refusal) -> String {
    let key = text(place)
    try Refusal.asMalformed { () throws(StoreError) in try Key.check(key, limits) }
    return key
  }

  /// The file's name in the second place of the path.
  ///
  /// - Returns: The name.
  /// - Throws: 400 for what is none.
  func fileName() throws(Refusal) -> String {
    let name = text(1)
    try Refusal.asMalformed { () throws(StoreError) in try Checks.fileName(name, limits) }
    return name
  }

  /// The identifier in a place of the path, the first if it is left out.
  ///
  /// - Parameters:
  ///   - what: What it is, for the message.
  ///   - place: Which place.
  /// - Returns: The identifier.
  /// - Throws: 400 for what is none.
  func id(_ what: StaticString, at place: Int = 0) throws(Refusal) -> String {
    let id = text(place)
    try Refusal.asMalformed { () throws(StoreError) in try Checks.id(id, what, limits) }
    return id
  }
}

/// The query.
extension Call {
  /// Reads the query, and refuses what is left over.
  ///
  /// - Parameter read: Takes the parameters that the route has.
  /// - Returns: What it made of them.
  /// - Throws: 400 for what cannot be.
  func query<Result>(
    _ read: (inout Query) throws(Refusal) -> Result
  ) throws(Refusal) -> Result {
    var query = try Query(target.query)
    let result = try read(&query)
    try query.finish()
    return result
  }

  /// Refuses any query.
  ///
  /// - Throws: 400.
  func noQuery() throws(Refusal) {
    if !target.query.isEmpty { try Query(target.query).finish() }
  }
}

/// The body.
extension Call {
  /// The fields of the body; none for an empty one.
  ///
  /// - Returns: The members of the object that the body holds.
  /// - Throws: 415 for another content type, 400 for what is no JSON, 413 for what is too large in
  ///   it, 422 for JSON that is no object.
  func fields() throws -> Object {
    guard let bytes = body?.bytes, bytes.readableBytes > 0 else { return [:] }
    guard Self.isJSON(headers[.contentType]) else {
      let error = StoreError(
        .invalid, "The body's content type is not application/json.",
        hint: "Send Content-Type: application/json.")
      throw Refusal(error, status: 415, headers: [.accept: "application/json"])
    }
    var limits = limits
    // A value stands a few levels deep in a body, and is held to its own limits by its operation.
    limits.valueBytesMax = limits.requestBytesMax
    limits.nestingMax += 8
    let value = try Refusal.asMalformed { () throws(StoreError) in
      try Value(json: bytes.readableBytesView, limits: limits)
    }
    guard let object = value.objectValue else {
      throw StoreError(
        .invalid, "The body is not a JSON object.", hint: "Send an object with the fields.",
        details: ["reason": "type"])
    }
    return object
  }

  private static func isJSON(_ type: String?) -> Bool {
    guard let type else { return false }
    let essence = type.prefix { $0 != ";" }.lowercased()
    return essence.split(separator: " ").first == "application/json"
  }
}

/// What the caller may do.
extension Call {
  /// Refuses a read of a namespace that the caller may not see, as if it were not there.
  ///
  /// - Parameters:
  ///   - namespace: The namespace.
  ///   - missing: The error for a thing that is not there.
  /// - Throws: `missing`.
  func requireRead(
    _ namespace: Namespace, orElse missing: @autoclosure () -> StoreError
  ) throws(StoreError) {
    guard access.reads(namespace) else { throw missing() }
  }
}
