import HTTPTypes
import HoldfastCore
import Hummingbird
import NIOCore

extension Response {
  /// An answer in JSON.
  ///
  /// - Parameters:
  ///   - value: The body.
  ///   - status: The status.
  ///   - version: The version that becomes the entity tag.
  ///   - headers: More header fields.
  /// - Returns: The answer.
  static func json(
    _ value: Value, status: HTTPResponse.Status = .ok, version: Int64? = nil,
    headers: HTTPFields = [:]
  ) -> Response {
    json(bytes: value.jsonBytes, status: status, version: version, headers: headers)
  }

  /// An answer in JSON that is written already.
  static func json(
    bytes: [UInt8], status: HTTPResponse.Status = .ok, version: Int64? = nil,
    headers: HTTPFields = [:]
  ) -> Response {
    // Appending costs less than looking for a field that cannot be there yet.
    var headers = headers
    headers.append(jsonType)
    if let version {
      headers.append(HTTPField(name: .eTag, value: EntityTags.tag(version)))
    }
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static let jsonType = HTTPField(name: .contentType, value: "application/json")

  /// An answer without a body.
  static func empty(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) -> Response {
    var response = Response(status: status, headers: headers)
    // 204 and 304 have no length by definition; for all others it is 0.
    if status == .noContent || status == .notModified { response.headers[.contentLength] = nil }
    return response
  }

  /// The answer of a write.
  static func reply(_ reply: Reply) -> Response {
    var headers: HTTPFields = [:]
    if let location = reply.location { headers[.location] = location }
    if let tag = reply.tag { headers[.eTag] = EntityTags.tag(tag) }
    guard reply.status != 204 else { return .empty(.noContent, headers: headers) }
    return .json(
      reply.body, status: HTTPResponse.Status(code: reply.status),
      version: reply.tag == nil ? reply.version : nil, headers: headers)
  }

  /// The problem document of an error (RFC 9457).
  ///
  /// - Parameter refusal: The error.
  /// - Returns: The answer.
  static func problem(_ refusal: Refusal) -> Response {
    var headers = refusal.headers
    headers[.contentType] = "application/problem+json"
    let isRetried = refusal.status == 503 && refusal.error.code == .unavailable
    if isRetried, headers[.retryAfter] == nil { headers[.retryAfter] = "1" }
    let problem = Value.object(refusal.error.problem(typeBase: "", status: refusal.status))
    return Response(
      status: HTTPResponse.Status(code: refusal.status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.jsonBytes)))
  }

  /// The same answer as HEAD gives it: all header fields, no body.
  var withoutBody: Response { createHeadResponse() }
}
