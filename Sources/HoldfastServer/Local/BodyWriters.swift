import HTTPTypes
import HoldfastCore
import HummingbirdCore
import NIOConcurrencyHelpers
import NIOCore

/// Takes a body whole.
struct Collector: ResponseBodyWriter {
  private let bytes = NIOLockedValueBox<[UInt8]>([])

  /// What was written.
  var taken: [UInt8] { bytes.withLockedValue { $0 } }

  mutating func write(_ buffer: ByteBuffer) async throws {
    bytes.withLockedValue { $0 += buffer.readableBytesView }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// Hands a body on in pieces.
struct PieceWriter: ResponseBodyWriter {
  let pieces: Handoff<Result<[UInt8], StoreError>>

  mutating func write(_ buffer: ByteBuffer) async throws {
    guard await pieces.send(.success(Array(buffer.readableBytesView))) else {
      throw CancellationError()
    }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws { pieces.finish() }
}
