import HTTPTypes
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTPTypes

/// Takes in the bodies of requests, within bounds: one body has a limit, and so have all of them
/// whose requests are being worked on.
final class Bodies: Sendable {
  private let bytesMax: Int
  private let bytesAtOnceMax: Int
  private let held = NIOLockedValueBox(0)

  init(bytesMax: Int, bytesAtOnceMax: Int) {
    self.bytesMax = bytesMax
    self.bytesAtOnceMax = bytesAtOnceMax
  }

  /// Reads a body to its end, and tells a client that waits for the word to send it.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - channel: The client's connection.
  /// - Returns: The body.
  /// - Throws: 413 past the limit, 503 while too many bodies are in memory, `BrokenBody` for one
  ///   that was cut off.
  func collect(_ request: Request, from channel: (any Channel)?) async throws -> Body {
    let length = BodyLength(request.headers)
    guard let channel, length != .none else {
      // Without a length there is no body, unless it comes from this process.
      return Body(try await request.body.collect(upTo: bytesMax), nil)
    }
    if case .known(let count) = length, count > bytesMax { throw tooLong }
    try await Self.askForRest(of: request, channel)
    let share = Share(self)
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
    if case .known(let count) = length, count != bytes.readableBytes { throw cutOff }
    return Body(bytes, share)
  }

  private var tooLong: Refusal { .tooLong(bytesMax) }

  private var cutOff: Refusal { .cutOff }

  /// Tells a client that waits for the word to go on sending.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - channel: The client's connection.
  static func askForRest(of request: Request, _ channel: any Channel) async throws {
    guard request.headers[.expect]?.lowercased() == "100-continue" else { return }
    let word = HTTPResponsePart.head(HTTPResponse(status: .continue))
    try await channel.writeAndFlush(word)
  }
}

extension Refusal {
  /// A body past its limit.
  static func tooLong(_ bytesMax: Int) -> Refusal {
    Refusal(
      StoreError(
        .tooLarge, "The body is longer than \(bytesMax) bytes.",
        details: ["bytes_max": .integer(Int64(bytesMax))]))
  }

  /// A body that is shorter than its head said.
  static let cutOff = Refusal.malformed(
    "The body ended before its announced length; nothing was written.",
    hint: "Send the request again.")
}

extension Bodies {
  /// A body that arrived whole.
  struct Body: Sendable {
    let bytes: ByteBuffer
    private let share: Share?

    fileprivate init(_ bytes: ByteBuffer, _ share: Share?) {
      self.bytes = bytes
      self.share = share
    }
  }

  /// What one body holds of the common bound; given back when it goes.
  fileprivate final class Share: Sendable {
    private let bodies: Bodies
    private let taken = NIOLockedValueBox(0)

    init(_ bodies: Bodies) { self.bodies = bodies }

    deinit {
      let taken = taken.withLockedValue { $0 }
      bodies.held.withLockedValue { $0 -= taken }
    }

    func take(_ count: Int) throws(Refusal) {
      let isRoom = bodies.held.withLockedValue { held in
        guard held + count <= bodies.bytesAtOnceMax else { return false }
        held += count
        return true
      }
      guard isRoom else { throw Refusal.busy("Too many bodies are being worked on at once.") }
      taken.withLockedValue { $0 += count }
    }
  }
}

/// What the head of a request says of the length of its body.
enum BodyLength: Equatable {
  /// There is no body.
  case none
  /// So many bytes.
  case known(Int)
  /// It ends when it ends.
  case unknown

  init(_ headers: HTTPFields) {
    if let count = headers[.contentLength].flatMap({ Int($0) }) {
      self = count == 0 ? .none : .known(count)
    } else {
      self = headers[.transferEncoding] == nil ? .none : .unknown
    }
  }

  /// Whether reading all of it only to drop it would cost more than a new connection.
  var isLong: Bool {
    switch self {
    case .none: false
    case .known(let count): count > 65_536
    case .unknown: true
    }
  }
}

extension Refusal {
  /// The server has too much to do: 503, and when to come back.
  static func busy(_ message: String) -> Refusal {
    Refusal(StoreError(.unavailable, message), headers: [.retryAfter: "1"])
  }
}
