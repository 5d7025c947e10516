import NIOCore
import NIOPosix

/// A connection on which a test writes and reads bytes as they are.
final class Wire {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  /// What has come so far and was not taken.
  private(set) var text = ""

  private init(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
  }

  /// Opens a connection for as long as the body runs.
  static func with<Result>(
    port: Int, _ body: (Wire) async throws -> Result
  ) async throws -> Result {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await body(Wire(inbound, outbound))
    }
  }

  func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

  func write(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

  /// Says that nothing more will be written.
  func finishWriting() { outbound.finish() }

  /// Takes all up to the end of a mark, waiting for it; what there is when the peer closed.
  func read(through mark: String) async throws -> String {
    while true {
      if let range = text.firstRange(of: mark) {
        defer { text = String(text[range.upperBound...]) }
        return String(text[..<range.upperBound])
      }
      guard try await more() else {
        defer { text = "" }
        return text
      }
    }
  }

  /// Takes all until the peer closes.
  func readToEnd() async throws -> String {
    while try await more() {}
    defer { text = "" }
    return text
  }

  private func more() async throws -> Bool {
    guard let piece = try await inbound.next() else { return false }
    text += String(buffer: piece)
    return true
  }
}
