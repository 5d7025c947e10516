import AsyncHTTPClient
import HTTPTypes
import HoldfastCore
import HoldfastServer
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Speaks the HTTP API to a server over a network.
///
/// It follows no redirection: a token goes to the host that was named, and to no other.
struct RemoteClient: APIClient {
  private let address: String
  private let token: String?
  private let http: HTTPClient
  /// The same for requests whose answer may take minutes, in which nothing comes.
  private let patient: HTTPClient

  /// How long a server may take to accept a connection.
  private static let connectTimeMax = TimeAmount.seconds(10)
  /// How long nothing may come; a stream of changes gives a sign of life more often.
  private static let silenceMax = TimeAmount.seconds(90)
  /// How long nothing may come where the work goes through the whole store.
  private static let longSilenceMax = TimeAmount.hours(6)

  /// Makes a client; ``close()`` it when it is not needed any more.
  ///
  /// - Parameters:
  ///   - address: Scheme, host and port.
  ///   - token: What is sent as the bearer's token.
  init(address: String, token: String?) {
    self.address = address
    self.token = token
    http = Self.client(silenceMax: Self.silenceMax)
    patient = Self.client(silenceMax: Self.longSilenceMax)
  }

  private static func client(silenceMax: TimeAmount) -> HTTPClient {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.timeout = .init(connect: connectTimeMax, read: silenceMax)
    configuration.httpVersion = .http1Only
    // Somebody waits at a prompt: a refusal is told at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  func send(_ request: APIRequest) async throws(StoreError) -> APIResponse {
    var outgoing = HTTPClientRequest(url: address + request.target)
    outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
    for field in request.headers {
      outgoing.headers.add(name: field.name.rawName, value: field.value)
    }
    if let token { outgoing.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token)") }
    if let upload = request.upload {
      outgoing.body = .stream(
        upload.pieces.map { ByteBuffer(bytes: $0) },
        length: upload.length.map { .known(Int64($0)) } ?? .unknown)
    } else if !request.body.isEmpty {
      outgoing.body = .bytes(ByteBuffer(bytes: request.body))
    }
    do {
      let client = request.isLong ? patient : http
      let response = try await client.execute(outgoing, deadline: .distantFuture)
      var headers = HTTPFields()
      for (name, value) in response.headers {
        if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
      }
      return APIResponse(
        status: Int(response.status.code), headers: headers,
        body: APIBody(response.body) { Array($0.readableBytesView) })
    } catch {
      throw failure(error, of: request)
    }
  }

  /// Lets the connections go.
  func close() async {
    try? await http.shutdown()
    try? await patient.shutdown()
  }

  /// A write whose answer did not come may have been done; nothing else may.
  private func failure(_ error: any Error, of request: APIRequest) -> StoreError {
    // What kept the body from being read is no fault of the server's.
    if let error = error as? StoreError { return error }
    if !request.writes || Self.neverSent(error) {
      return StoreError(
        .unavailable, "The server \(address) cannot be reached.",
        hint: "Check the address, and that the server is running.",
        details: ["reason": .string(Self.reason(error))], cause: error)
    }
    return StoreError(
      .uncertain, "The server \(address) did not answer; the write may have been done.",
      details: ["reason": .string(Self.reason(error))], cause: error)
  }

  /// Whether the request cannot have reached the server.
  private static func neverSent(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPClientError:
      let before: [HTTPClientError] = [
        .connectTimeout, .tlsHandshakeTimeout, .invalidURL, .emptyHost,
        .getConnectionFromPoolTimeout,
      ]
      return before.contains(error)
    case is NIOConnectionError: return true
    case let error as IOError: return error.errnoCode == ECONNREFUSED
    default: return isHandshake(error)
    }
  }

  /// Whether the two sides never agreed on TLS; a fault later on may have come after the request.
  private static func isHandshake(_ error: any Error) -> Bool {
    let type = String(describing: type(of: error))
    return type.contains("NIOSSLExtraError")
      || (type.contains("SSL") && "\(error)".contains("handshakeFailed"))
  }

  /// What kept a request from being answered, in words for a person at a prompt.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      return error.connectionErrors.first.map { reason($0.error) } ?? "The host is not known."
    case let error as IOError: return String(cString: strerror(error.errnoCode)) + "."
    case let error as HTTPClientError: return reason(error)
    default:
      let isTLS = String(describing: type(of: error)).contains("SSL")
      guard isTLS else { return "The connection failed." }
      return "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
        ? "The server's certificate is not trusted." : "The two do not agree on TLS."
    }
  }

  private static func reason(_ error: HTTPClientError) -> String {
    switch error {
    case .connectTimeout, .tlsHandshakeTimeout, .readTimeout, .writeTimeout, .deadlineExceeded,
      .getConnectionFromPoolTimeout:
      "It did not answer in time."
    case .remoteConnectionClosed: "The server closed the connection."
    case .invalidURL, .emptyHost: "There is no host in the address."
    default: "The connection failed."
    }
  }
}
