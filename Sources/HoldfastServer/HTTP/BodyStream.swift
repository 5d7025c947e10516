import HTTPTypes
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOConcurrencyHelpers
import NIOCore

/// A request's body while it comes, for a route that keeps none of it: read once, by one task.
///
/// The sender is held up by whoever reads, so memory does not grow with the body.
struct BodyStream: AsyncSequence, Sendable {
  typealias Element = [UInt8]

  private let request: Request
  private let channel: (any Channel)?
  private let length: BodyLength
  private let bytesMax: Int
  private let isAtEnd = NIOLockedValueBox(false)

  /// Makes the stream; nothing is read yet.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - channel: The client's connection; `nil` inside this process.
  ///   - bytesMax: How long the body may be.
  /// - Throws: 413 for a body that is announced as too long.
  init(_ request: Request, from channel: (any Channel)?, bytesMax: Int) throws(Refusal) {
    self.request = request
    self.channel = channel
    self.bytesMax = bytesMax
    length = BodyLength(request.headers)
    if case .known(let count) = length, count > bytesMax { throw .tooLong(bytesMax) }
  }

  /// Whether the body came to its end.
  var isComplete: Bool { isAtEnd.withLockedValue { $0 } }

  func makeAsyncIterator() -> Iterator { Iterator(self) }

  struct Iterator: AsyncIteratorProtocol {
    private let stream: BodyStream
    private var pieces: RequestBody.AsyncIterator?
    private var count = 0

    fileprivate init(_ stream: BodyStream) { self.stream = stream }

    /// The next piece.
    ///
    /// - Throws: 413 past the limit, 400 for a body shorter than announced, `BrokenBody` for one
    ///   that was cut off.
    mutating func next() async throws -> [UInt8]? {
      guard let piece = try await piece() else {
        if case .known(let announced) = stream.length, announced != count { throw Refusal.cutOff }
        stream.isAtEnd.withLockedValue { $0 = true }
        return nil
      }
      count += piece.readableBytes
      guard count <= stream.bytesMax else { throw Refusal.tooLong(stream.bytesMax) }
      return Array(piece.readableBytesView)
    }

    private mutating func piece() async throws -> ByteBuffer? {
      // Without a length there is no body, unless it comes from this process.
      if stream.channel != nil, stream.length == .none { return nil }
      do {
        if pieces == nil {
          if let channel = stream.channel {
            try await Bodies.askForRest(of: stream.request, channel)
          }
          pieces = stream.request.body.makeAsyncIterator()
        }
        return try await pieces?.next()
      } catch {
        throw BrokenBody(cause: error)
      }
    }
  }
}
