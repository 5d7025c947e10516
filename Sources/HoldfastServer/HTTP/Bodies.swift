import HTTPTypes
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOConcurrencyHelpers
import NIOCore

/// Takes in the bodies of requests, within bounds: one body has a limit, and so have all of them whose
/// requests are being worked on.
final class Bodies: Sendable {
  private let bytesMax: Int
  private let bytesAtOnceMax: Int
  private let held = NIOLockedValueBox(0)

  init(bytesMax: Int, bytesAtOnceMax: Int) {
    self.bytesMax = bytesMax
    self.bytesAtOnceMax = bytesAtOnceMax
  }

  /// Whether the head of a request says that its body is too long.
  ///
  /// - Parameter headers: The request's header fields.
  /// - Returns: Whether it does.
  func isTooLong(_ headers: HTTPFields) -> Bool {
    headers[.contentLength].flatMap { Int($0) }.map { $0 > bytesMax } ?? false
  }

  /// Reads a body to its end.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - share: What the request holds of the common bound, until it is answered.
  /// - Returns: The bytes.
  /// - Throws: 413 past the limit, 503 while too many bodies are in memory, `BrokenBody` for one that
  ///   was cut off.
  func collect(_ request: Request, into share: Share) async throws -> ByteBuffer {
    let announced = request.headers[.contentLength].flatMap { Int($0) }
    if isTooLong(request.headers) { throw tooLong }
    if announced == 0 || (announced == nil && request.headers[.transferEncoding] == nil) {
      return try await local(request)
    }
    var bytes = ByteBuffer()
    do {
      for try await var piece in request.body {
        let count = piece.readableBytes
        guard bytes.readableBytes + count <= bytesMax else { throw tooLong }
        try share.take(count)
        if bytes.readableBytes == 0 { bytes = piece } else { bytes.writeBuffer(&piece) }
      }
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw BrokenBody(cause: error)
    }
    // A connection that ends inside a body looks like the body's end.
    if let announced, announced != bytes.readableBytes { throw cutOff }
    return bytes
  }

  /// A request without a length has no body, unless it comes from this process.
  private func local(_ request: Request) async throws -> ByteBuffer {
    try await request.body.collect(upTo: bytesMax)
  }

  /// What one request holds of the common bound; given back when it goes.
  final class Share: Sendable {
    private let bodies: Bodies
    private let taken = NIOLockedValueBox(0)

    init(_ bodies: Bodies) { self.bodies = bodies }

    deinit {
      let taken = taken.withLockedValue { $0 }
      if taken > 0 { bodies.held.withLockedValue { $0 -= taken } }
    }

    fileprivate func take(_ count: Int) throws(Refusal) {
      let isRoom = bodies.held.withLockedValue { held in
        guard held + count <= bodies.bytesAtOnceMax else { return false }
        held += count
        return true
      }
      guard isRoom else { throw Refusal.busy("Too many bodies are being worked on at once.") }
      taken.withLockedValue { $0 += count }
    }
  }

  private var tooLong: Refusal {
    Refusal(
      StoreError(
        .tooLarge, "The body is longer than \(bytesMax) bytes.",
        details: ["bytes_max": .integer(Int64(bytesMax))]))
  }

  private var cutOff: Refusal {
    Refusal.malformed(
      "The body ended before its announced length; nothing was written.",
      hint: "Send the request again.")
  }
}

extension Refusal {
  /// The server has too much to do: 503, and when to come back.
  static func busy(_ message: String) -> Refusal {
    Refusal(StoreError(.unavailable, message), headers: [.retryAfter: "1"])
  }
}
