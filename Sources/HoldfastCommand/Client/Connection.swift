import HTTPTypes
import Holdfast
import HoldfastCore
import HoldfastServer
import Logging

/// One verb's way to a store: every request goes through the HTTP API, with or without a network.
struct Connection: Sendable {
  let client: any APIClient

  /// What a verb is going to do, which decides whether a missing file is made.
  enum Purpose {
    case read
    case write
  }

  /// What a server answered.
  struct Answer: Sendable {
    /// The body as it came.
    let bytes: [UInt8]

    /// The body as a value; null where there is none.
    ///
    /// - Returns: The value.
    /// - Throws: `internal` for what is no JSON, which no server of ours sends.
    func value() throws(StoreError) -> Value {
      guard !bytes.isEmpty else { return .null }
      var limits = Limits()
      // The value of an entry may be as large and deep as a value can be; the answer is around it.
      limits.valueBytesMax *= 4
      limits.nestingMax += 8
      do throws(StoreError) {
        return try Value(json: bytes, limits: limits)
      } catch {
        throw StoreError(
          .internal, "The answer is no JSON.", hint: "Check that the address is Holdfast's.",
          cause: error)
      }
    }
  }

  /// How long an answer may be that is not a stream: the largest value there is, and some.
  private static let answerBytesMax = 256 << 20

  /// Opens a way to a store for as long as a body runs.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - purpose: What the body is going to do.
  ///   - body: What asks the store.
  /// - Returns: What the body returned.
  /// - Throws: ``StoreError`` where there is no way, and what the body throws.
  static func use<Result: Sendable>(
    _ store: StoreURL, for purpose: Purpose,
    _ body: (Connection) async throws -> Result
  ) async throws -> Result {
    switch store {
    case .server(let address):
      let client = RemoteClient(address: address, token: try token())
      let outcome = await outcome { try await body(Connection(client: client)) }
      await client.close()
      return try outcome.get()
    case .local(let text):
      let store = try await LocalStore.open(text, for: purpose)
      var options = ServerOptions()
      options.logger = Log.quiet
      let client = LocalClient(store: store, user: Environment.user, options: options)
      let outcome = await outcome { try await body(Connection(client: client)) }
      await store.close()
      return try outcome.get()
    }
  }

  /// The token of the environment, without the line end that a file may have added.
  private static func token() throws(StoreError) -> String? {
    guard let text = Environment.variable("HOLDFAST_TOKEN") else { return nil }
    let token = text.split(whereSeparator: \.isWhitespace)
    guard token.count == 1, text.utf8.allSatisfy({ $0 < 0x7F }) else {
      throw StoreError(
        .unauthenticated, "HOLDFAST_TOKEN holds no token.",
        hint: "A token is hf_ and 43 characters.")
    }
    return String(token[0])
  }

  /// A body's result or failure, so that what it used can be closed in between.
  private static func outcome<Success>(
    _ body: () async throws -> Success
  ) async -> Result<Success, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
  }

  /// Sends a request and takes its whole answer.
  ///
  /// - Parameter request: The request.
  /// - Returns: The answer.
  /// - Throws: ``StoreError``: what the server says, or what kept it from saying anything.
  func send(_ request: Request) async throws(StoreError) -> Answer {
    var headers = request.headers
    var bytes: [UInt8] = []
    if let body = request.body {
      headers[.contentType] = "application/json"
      bytes = Value.object(body.object).jsonBytes
    }
    var outgoing = APIRequest(
      request.method, request.route.target, headers: headers, body: bytes)
    if request.isRead { outgoing.writes = false }
    outgoing.isLong = request.isLong
    return try await answer(to: outgoing)
  }

  /// The whole answer; where that of a write breaks off, it may have been done.
  private func answer(to request: APIRequest) async throws(StoreError) -> Answer {
    let response = try await client.send(request)
    let bytes: [UInt8]
    do throws(StoreError) {
      bytes = try await response.body.collect(upTo: Self.answerBytesMax)
    } catch {
      let isRefused = (300..<500).contains(response.status)
      guard request.writes, !isRefused, error.code == .unavailable else { throw error }
      throw StoreError(
        .uncertain, "The answer broke off; the write may have been done.", cause: error)
    }
    guard response.status < 300 else {
      throw Problem.error(bytes, status: response.status, writes: request.writes)
    }
    return Answer(bytes: bytes)
  }

  /// Sends a body while it is read, and takes the whole answer.
  ///
  /// - Parameters:
  ///   - route: The path and the query.
  ///   - upload: The body.
  ///   - headers: More header fields.
  /// - Returns: The answer.
  /// - Throws: ``StoreError``: what the server says, or what kept it from saying anything.
  func put(
    _ route: Route, _ upload: APIRequest.Upload, headers: HTTPFields
  ) async throws(StoreError) -> Answer {
    try await answer(to: APIRequest(.put, route.target, headers: headers, upload: upload))
  }

  /// Asks for something whose body is read while it comes.
  ///
  /// - Parameter route: The path and the query.
  /// - Returns: The answer.
  /// - Throws: ``StoreError``: what the server says, or what kept it from saying anything.
  func content(_ route: Route) async throws(StoreError) -> APIResponse {
    let response = try await client.send(APIRequest(.get, route.target))
    guard response.status < 300 else {
      let bytes = try await response.body.collect(upTo: Self.answerBytesMax)
      throw Problem.error(bytes, status: response.status)
    }
    return response
  }

  /// Asks for a stream of events.
  ///
  /// - Parameter route: The path and the query.
  /// - Returns: The events as they come.
  /// - Throws: ``StoreError``: what the server says, or what kept it from saying anything.
  func events(_ route: Route) async throws(StoreError) -> EventStream {
    let response = try await client.send(
      APIRequest(.get, route.target, headers: [.accept: "text/event-stream"]))
    guard response.status < 300 else {
      let bytes = try await response.body.collect(upTo: Self.answerBytesMax)
      throw Problem.error(bytes, status: response.status)
    }
    return EventStream(response.body)
  }
}

/// What a server says when it refuses (RFC 9457), turned back into the store's error.
enum Problem {
  /// Reads a problem document.
  ///
  /// - Parameters:
  ///   - bytes: The answer's body.
  ///   - status: Its status, from which the code is taken where somebody else answered.
  ///   - writes: Whether the request may have changed something.
  /// - Returns: The error.
  static func error(_ bytes: [UInt8], status: Int, writes: Bool = false) -> StoreError {
    let problem = try? Value(json: bytes)
    guard let name = problem?["code"]?.stringValue, let code = StoreError.Code(name: name) else {
      return StoreError(
        code(of: status, writes), "The answer has the status \(status), and is none of Holdfast's.",
        hint: "Check the address, and what stands between here and the server.")
    }
    // Whoever types commands sends no header fields.
    let hint = code == .unauthenticated ? "Set HOLDFAST_TOKEN to a token that is valid." : nil
    return StoreError(
      code, problem?["detail"]?.stringValue ?? code.title,
      hint: hint ?? problem?["hint"]?.stringValue,
      details: problem?["details"]?.objectValue ?? [:])
  }

  private static func code(of status: Int, _ writes: Bool) -> StoreError.Code {
    switch status {
    // A gateway that got no good answer does not know what became of the request.
    case 502, 504: writes ? .uncertain : .unavailable
    case 401: .unauthenticated
    case 403: .forbidden
    case 404, 410: .notFound
    case 409, 412: .conflict
    case 413: .tooLarge
    case 429, 503: .unavailable
    case 300..<500: .invalid
    default: .internal
    }
  }
}
