import HTTPTypes
import HoldfastCore
import Hummingbird

/// One route: a method, a pattern, who may use it and what answers it.
final class Route: Sendable {
  /// How long an answer may take.
  enum Pace: Sendable {
    /// A point read, which the engine bounds by itself: it is not worth a timer.
    case quick
    /// Work: it has a time limit.
    case work
    /// Work that grows with the store and lasts as long as it needs, such as a check of all of it.
    case long
    /// Work on a body while it comes: it lasts as long as the body moves.
    case streaming
    /// A wait that was asked for, or a stream: it ends when the client leaves or the server stops.
    case waiting
    /// The same for what has a body.
    case waitingOnBody
    /// A point read, and a wait where the query has `wait`.
    case waitingIfAsked
  }

  let method: HTTPRequest.Method
  /// The pattern as it is logged, such as `/v1/kv/{namespace}/{key}`.
  let pattern: String
  /// The least role that may use it; `nil` for whoever comes, signed in or not.
  let role: Role?
  let pace: Pace
  /// Whether the answer may change something: where it is lost, that is uncertain.
  let writes: Bool
  let answer: @Sendable (Call) async throws -> Response
  /// Which segments of a path stand in the pattern's places.
  let places: [Int]
  fileprivate let parts: [Part]

  fileprivate enum Part: Sendable, Equatable {
    case word(String)
    case place
  }

  init(
    _ method: HTTPRequest.Method, _ pattern: String, role: Role?, pace: Pace = .work,
    writes: Bool? = nil,
    answer: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.method = method
    self.pattern = pattern
    self.role = role
    self.pace = pace
    self.writes = writes ?? (method != .get && method != .head)
    self.answer = answer
    parts = pattern.split(separator: "/").map { part in
      part.first == "{" ? .place : .word(String(part))
    }
    places = parts.indices.filter { [parts] in parts[$0] == .place }
  }

  /// Whether a path fits the pattern.
  fileprivate func fits(_ segments: [String]) -> Bool {
    for place in parts.indices {
      if case .word(let word) = parts[place], word != segments[place] { return false }
    }
    return true
  }

  /// How long the answer to one request may take.
  ///
  /// - Parameter target: The request's path and query.
  /// - Returns: The route's own pace, or what the query makes of it.
  func pace(of target: RequestTarget) -> Pace {
    guard pace == .waitingIfAsked else { return pace }
    let isAsked = target.query.split(separator: "&").contains { part in
      part == "wait" || part.hasPrefix("wait=")
    }
    return isAsked ? .waiting : .quick
  }

  /// Whether a body is taken in before the answer is made.
  var takesBody: Bool {
    switch pace {
    case .work, .long, .waitingOnBody:
      method == .post || method == .put || method == .patch
    case .quick, .streaming, .waiting, .waitingIfAsked: false
    }
  }
}

/// Finds the route of a request.
///
/// A fixed word comes before a caller's word, but only for its own method: `POST …/get-many` is the
/// batch, and `GET …/get-many` the key of that name.
struct Router: Sendable {
  /// What a request's method and path lead to.
  enum Match {
    case found(Route)
    /// The path is there for these methods only.
    case otherMethods([HTTPRequest.Method])
    case nothing
  }

  /// Routes by method, then by how many segments their patterns have.
  private var routes: [HTTPRequest.Method: [[Route]]] = [:]
  /// Those of GET, which come most.
  private var reads: [[Route]]?

  init(_ routes: [Route]) {
    for route in routes {
      var byCount = self.routes[route.method] ?? []
      while byCount.count <= route.parts.count { byCount.append([]) }
      byCount[route.parts.count].append(route)
      byCount[route.parts.count].sort { Self.isBefore($0.parts, $1.parts) }
      self.routes[route.method] = byCount
    }
    reads = self.routes[.get]
  }

  /// Patterns with a word come before those with a place there.
  private static func isBefore(_ one: [Route.Part], _ other: [Route.Part]) -> Bool {
    for (left, right) in zip(one, other) where (left == .place) != (right == .place) {
      return right == .place
    }
    return false
  }

  /// Finds the route.
  ///
  /// - Parameters:
  ///   - method: The request's method; HEAD takes the route of GET.
  ///   - segments: The decoded path.
  /// - Returns: What they lead to.
  func match(_ method: HTTPRequest.Method, _ segments: [String]) -> Match {
    if let route = find(method == .head ? .get : method, segments),
      method != .head || route.pace != .waiting
    {
      return .found(route)
    }
    var others = routes.keys.filter { find($0, segments) != nil }
    guard !others.isEmpty else { return .nothing }
    if let get = find(.get, segments), get.pace != .waiting { others.append(.head) }
    return .otherMethods(others.sorted { $0.rawValue < $1.rawValue })
  }

  private func find(_ method: HTTPRequest.Method, _ segments: [String]) -> Route? {
    let found = method == .get ? reads : routes[method]
    guard let byCount = found, segments.count < byCount.count else { return nil }
    return byCount[segments.count].first { $0.fits(segments) }
  }
}
