import HTTPTypes
import HoldfastCore

/// What a verb asks of a store, and how the answer is shown.
struct Request: Sendable {
  let method: HTTPRequest.Method
  var route: Route
  let body: Body?
  let look: Look
  /// Whether a missing store is made.
  let purpose: Connection.Purpose
  /// Conditions, and what makes the request safe to repeat.
  var headers: HTTPFields = [:]
  /// What of the answer is said on standard error; nothing with `--json`.
  var note: (@Sendable (Value) -> String?)?
  /// Whether a list says with its first page how many there are in all.
  var asksTotal = false
  /// Whether it only reads, whatever its method.
  private(set) var isRead = false
  /// Whether the answer may take minutes.
  private(set) var isLong = false

  private init(
    _ method: HTTPRequest.Method, _ route: Route, _ body: Body?, _ look: Look,
    _ purpose: Connection.Purpose = .read
  ) {
    self.method = method
    self.route = route
    self.body = body
    self.look = look
    self.purpose = purpose
  }

  /// Reads one thing.
  ///
  /// - Parameters:
  ///   - route: What is read.
  ///   - look: How it is shown.
  /// - Returns: The request.
  static func get(_ route: Route, _ look: Look = .details) -> Request {
    Request(.get, route, nil, look)
  }

  /// Reads a list, as far as the page arguments of the verb say.
  ///
  /// - Parameters:
  ///   - route: What is listed.
  ///   - fields: The fields of an item that are shown, in order.
  /// - Returns: The request.
  static func list(_ route: Route, _ fields: [String]) -> Request {
    Request(.get, route, nil, .rows(fields))
  }

  /// Makes something, and the store where there is none.
  ///
  /// - Parameters:
  ///   - route: Where it is made.
  ///   - body: What is known of it.
  ///   - look: How it is shown.
  /// - Returns: The request.
  static func create(_ route: Route, _ body: Body, _ look: Look = .details) -> Request {
    Request(.post, route, body, look, .write)
  }

  /// Puts something in its place, and makes the store where there is none.
  ///
  /// - Parameters:
  ///   - route: The place.
  ///   - body: What is put there.
  ///   - look: How the answer is shown.
  /// - Returns: The request.
  static func put(_ route: Route, _ body: Body, _ look: Look = .details) -> Request {
    Request(.put, route, body, look, .write)
  }

  /// Does something to what is there.
  ///
  /// - Parameters:
  ///   - route: What is done, and to what.
  ///   - body: What goes along; `nil` for nothing.
  ///   - look: How the answer is shown.
  /// - Returns: The request.
  static func post(_ route: Route, _ body: Body? = nil, _ look: Look = .details) -> Request {
    Request(.post, route, body, look)
  }

  /// Does what takes as long as the store is large.
  ///
  /// - Parameters:
  ///   - route: What is done.
  ///   - body: What goes along; `nil` for nothing.
  ///   - isRead: Whether nothing is changed by it.
  /// - Returns: The request.
  static func long(_ route: Route, _ body: Body? = nil, isRead: Bool = false) -> Request {
    var request = Request(.post, route, body, .details)
    request.isRead = isRead
    request.isLong = true
    return request
  }

  /// Changes what is named, and leaves the rest.
  ///
  /// - Parameters:
  ///   - route: What is changed.
  ///   - body: The new fields.
  ///   - look: How the answer is shown.
  /// - Returns: The request.
  static func patch(_ route: Route, _ body: Body, _ look: Look = .details) -> Request {
    Request(.patch, route, body, look)
  }

  /// Takes something away; the answer shows nothing.
  ///
  /// - Parameter route: What goes.
  /// - Returns: The request.
  static func delete(_ route: Route) -> Request {
    Request(.delete, route, nil, .nothing)
  }
}

/// The fields of a request's body, written as a dictionary; those that are `nil` are left out.
struct Body: Sendable, ExpressibleByDictionaryLiteral {
  /// The fields as JSON has them.
  let object: Object

  init(dictionaryLiteral fields: (String, (any BodyField)?)...) {
    var object: Object = [:]
    for (name, field) in fields { object[name] = field?.fieldValue }
    self.object = object
  }

  private init(_ object: Object) { self.object = object }

  /// The fields of both.
  ///
  /// - Parameter other: More fields, which win over those of the same name.
  /// - Returns: All of them.
  func adding(_ other: Body) -> Body {
    var all = object
    for (name, value) in other.object { all[name] = value }
    return Body(all)
  }
}

/// What an option can hold that becomes a field of a body.
protocol BodyField: Sendable {
  /// The field's value.
  var fieldValue: Value { get }
}

extension Value: BodyField {
  var fieldValue: Value { self }
}

extension String: BodyField {
  var fieldValue: Value { .string(self) }
}

extension Int: BodyField {
  var fieldValue: Value { .integer(Int64(self)) }
}

extension Int64: BodyField {
  var fieldValue: Value { .integer(self) }
}

extension Bool: BodyField {
  var fieldValue: Value { .bool(self) }
}

extension [String]: BodyField {
  var fieldValue: Value { .array(map(Value.string)) }
}
