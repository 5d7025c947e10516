import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// What a connection needs besides requests and answers: the word that a waiting client may send its
/// body, an end for bodies that nobody wants and for peers that stopped reading, and notice when a
/// client has left.
///
/// Everything in it happens on the connection's event loop.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let bodyBytesMax: Int
  private let stallTimeMax: TimeAmount
  /// Requests whose answer has not ended.
  private var answersDue = 0
  /// Whether a client waits for the word while an earlier answer is still on its way.
  private var isWordDue = false
  private var whenDeparted: (@Sendable () -> Void)?
  private var hasDeparted = false
  /// Whether the body of the newest request is still coming.
  private var isReceiving = false
  /// Whether what still comes is dropped, and how much that was.
  private var isRefusing = false
  private var droppedBytes = 0
  private var stallCheck: Scheduled<Void>?
  private var bufferedBytes = 0

  init(bodyBytesMax: Int, stallTimeMax: Duration) {
    self.bodyBytesMax = bodyBytesMax
    self.stallTimeMax = TimeAmount(stallTimeMax)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    stallCheck?.cancel()
    depart()
  }
}

/// `Expect: 100-continue`.
extension ConnectionHandler {
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    guard !isRefusing else { return drop(part, context) }
    switch part {
    case .head(let head):
      answersDue += 1
      isReceiving = true
      if expectsWord(head) {
        if answersDue == 1 { sendWord(context) } else { isWordDue = true }
      }
    case .body: break
    case .end: isReceiving = false
    }
    context.fireChannelRead(data)
  }

  /// A body that is too long will be refused: its sender is not told to go on.
  private func expectsWord(_ head: HTTPRequest) -> Bool {
    guard head.headerFields[.expect]?.lowercased() == "100-continue" else { return false }
    let length = head.headerFields[.contentLength].flatMap { Int($0) }
    return length.map { $0 <= bodyBytesMax } ?? true
  }

  private func sendWord(_ context: ChannelHandlerContext) {
    isWordDue = false
    context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
  }

  func write(
    context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
  ) {
    let part = unwrapOutboundIn(data)
    if isRefusing, case .head(var head) = part {
      head.headerFields[.connection] = "close"
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    } else {
      context.write(data, promise: promise)
    }
    guard case .end = part else { return }
    answersDue -= 1
    whenDeparted = nil
    if isRefusing, answersDue == 0 { return linger(context) }
    if isWordDue, answersDue == 1 { sendWord(context) }
  }
}

/// Bodies that nobody wants.
extension ConnectionHandler {
  /// Says that the rest of a request is not wanted: the connection ends after its answer.
  struct RefuseRest: Sendable {}

  /// How long the connection stays open after the last answer.
  private static let lingerMax = TimeAmount.seconds(2)
  /// How much more is taken in meanwhile.
  private static let droppedBytesMax = 64 << 20

  /// Ends the answers and takes in what still comes for a while: a connection that is closed with
  /// unread bytes is reset, and many clients then never see the answer.
  private func linger(_ context: ChannelHandlerContext) {
    context.flush()
    context.close(mode: .output, promise: nil)
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerMax) {
      context.close(promise: nil)
    }
  }

  private func drop(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
    guard case .body(let bytes) = part else { return }
    droppedBytes += bytes.readableBytes
    if droppedBytes > Self.droppedBytesMax { context.close(promise: nil) }
  }
}

/// Peers that stopped reading.
extension ConnectionHandler {
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stallCheck?.cancel()
    stallCheck = nil
    if !context.channel.isWritable { watchStall(context) }
    context.fireChannelWritabilityChanged()
  }

  /// Looks again later: a peer that took nothing at all meanwhile holds memory and a shutdown up.
  private func watchStall(_ context: ChannelHandlerContext) {
    bufferedBytes = Self.bufferedBytes(context)
    stallCheck = context.eventLoop.assumeIsolated().scheduleTask(in: stallTimeMax) {
      guard !context.channel.isWritable else { return }
      guard Self.bufferedBytes(context) != self.bufferedBytes else {
        context.close(promise: nil)
        return
      }
      self.watchStall(context)
    }
  }

  private static func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
  }
}

/// Clients that left.
extension ConnectionHandler {
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is RefuseRest {
      // A request that came whole has no rest; what is received then belongs to the next one.
      isRefusing = isReceiving && answersDue == 1
      return
    }
    if let event = event as? ChannelEvent, event == .inputClosed {
      depart()
      // The peer has read the end of the answers, or has gone.
      if isRefusing, answersDue == 0 { context.close(promise: nil) }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    stallCheck?.cancel()
    depart()
    context.fireChannelInactive()
  }

  private func depart() {
    hasDeparted = true
    whenDeparted?()
    whenDeparted = nil
  }

  fileprivate func watch(_ action: @escaping @Sendable () -> Void) {
    if hasDeparted { action() } else { whenDeparted = action }
  }
}

/// Notice of clients that leave while they wait for an answer.
enum Departure {
  /// Says what to do when the client leaves before the answer has ended.
  ///
  /// - Parameters:
  ///   - channel: The client's connection; inside this process there is none, and nothing happens.
  ///   - action: What to do, at most once, on the connection's event loop.
  static func watch(_ channel: (any Channel)?, _ action: @escaping @Sendable () -> Void) {
    guard let channel else { return }
    channel.eventLoop.execute {
      let pipeline = channel.pipeline.syncOperations
      guard channel.isActive, let handler = try? pipeline.handler(type: ConnectionHandler.self)
      else { return action() }
      handler.watch(action)
    }
  }
}
