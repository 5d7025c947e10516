import HTTPTypes
package import Holdfast
package import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOCore

/// Speaks the API to a store in this process, through the same routes and rules, without a socket.
///
/// Whoever can open the store may do everything: the caller is an administrator, `local:USER`.
package final class LocalClient: APIClient {
  private let core: ServerCore
  private let access: Access

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - store: The store, which stays the caller's to close.
  ///   - user: The name of the user at this machine.
  ///   - options: The server's bounds; what concerns the network is not looked at.
  package init(store: Store, user: String, options: ServerOptions = ServerOptions()) {
    core = ServerCore(store: store, options: options)
    access = Access(name: "local:\(user)", role: .admin)
  }

  /// Sends a request to the routes.
  ///
  /// - Parameter request: The request; it needs no token.
  /// - Returns: The answer. A stream goes on as long as its body is read.
  /// - Throws: ``StoreError`` with `internal`, for a fault only: errors are answers.
  package func send(_ request: APIRequest) async throws(StoreError) -> APIResponse {
    var headers = request.headers
    if !request.body.isEmpty, headers[.contentType] == nil {
      headers[.contentType] = "application/json"
    }
    if let length = request.upload?.length { headers[.contentLength] = String(length) }
    let head = HTTPRequest(
      method: request.method, scheme: nil, authority: nil, path: request.target,
      headerFields: headers)
    let body =
      if let upload = request.upload {
        RequestBody(asyncSequence: upload.pieces.map { ByteBuffer(bytes: $0) })
      } else {
        RequestBody(buffer: ByteBuffer(bytes: request.body))
      }
    do {
      let response = try await core.respond(
        to: Request(head: head, body: body),
        context: RequestScope(access: access, logger: core.options.logger))
      return APIResponse(
        status: response.status.code, headers: response.headers,
        body: try await Self.body(response.body))
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Up to this length a body is taken whole.
  private static let wholeBytesMax = 1 << 20

  /// A short body is taken whole; a long one and a stream are written by a task of their own, which
  /// ends when nobody reads it any more, and passes on what went wrong.
  private static func body(_ body: ResponseBody) async throws -> APIBody {
    let pieces = Handoff<Result<[UInt8], StoreError>>()
    if let length = body.contentLength, length <= wholeBytesMax {
      let collector = Collector()
      try await body.write(collector)
      return APIBody(collector.taken)
    }
    let writing = Task {
      do {
        try await body.write(PieceWriter(pieces: pieces))
      } catch {
        _ = await pieces.send(.failure(StoreError.from(error)))
      }
      pieces.finish()
    }
    pieces.whenAbandoned { writing.cancel() }
    return APIBody(pieces) { try $0.get() }
  }
}
