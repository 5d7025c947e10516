import NIOCore
import NIOHTTPTypes

/// What a connection needs besides requests and answers: an end for peers that stopped reading and
/// for bodies that nobody wants, and notice when a client has left.
///
/// It looks into no part of a request, since every look costs each request. Everything in it happens
/// on the connection's event loop.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart

  private let stallTimeMax: TimeAmount
  private var stallCheck: Scheduled<Void>?
  private var bufferedBytes = 0
  private var whenDeparted: (@Sendable () -> Void)?
  private var hasDeparted = false
  /// Whether what still comes is dropped, and how much that was.
  private var isRefusing = false
  private var droppedBytes = 0

  init(stallTimeMax: Duration) { self.stallTimeMax = TimeAmount(stallTimeMax) }

  func handlerRemoved(context: ChannelHandlerContext) {
    stallCheck?.cancel()
    depart()
  }

  func channelInactive(context: ChannelHandlerContext) {
    stallCheck?.cancel()
    depart()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is RefuseRest { return refuse(context) }
    if let event = event as? ChannelEvent, event == .inputClosed {
      depart()
      if isRefusing { context.close(promise: nil) }
    }
    context.fireUserInboundEventTriggered(event)
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
        return context.close(promise: nil)
      }
      self.watchStall(context)
    }
  }

  private static func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
  }
}

/// Bodies that nobody wants.
extension ConnectionHandler {
  /// Says that the rest of a request is not wanted: the connection ends after its answer.
  struct RefuseRest: Sendable {}

  /// How much more is taken in before the connection ends in any case.
  private static let droppedBytesMax = 64 << 20

  private func refuse(_ context: ChannelHandlerContext) {
    guard !isRefusing else { return }
    isRefusing = true
    try? context.pipeline.syncOperations.addHandler(LastAnswerHandler(), position: .after(self))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard isRefusing else { return context.fireChannelRead(data) }
    guard case .body(let bytes) = unwrapInboundIn(data) else { return }
    droppedBytes += bytes.readableBytes
    if droppedBytes > Self.droppedBytesMax { context.close(promise: nil) }
  }
}

/// Ends a connection once the answer is written.
///
/// What still comes is taken in for a while: a connection that is closed with unread bytes is reset,
/// and many clients then never see the answer.
private final class LastAnswerHandler: ChannelOutboundHandler {
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private static let lingerMax = TimeAmount.seconds(2)

  func write(
    context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
  ) {
    let part = unwrapOutboundIn(data)
    context.write(data, promise: promise)
    guard case .end = part else { return }
    context.flush()
    context.close(mode: .output, promise: nil)
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerMax) {
      context.close(promise: nil)
    }
  }
}

/// Clients that left.
extension ConnectionHandler {
  private func depart() {
    hasDeparted = true
    whenDeparted?()
    whenDeparted = nil
  }

  fileprivate func watch(_ action: (@Sendable () -> Void)?) {
    guard hasDeparted else { return whenDeparted = action }
    action?()
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
    set(channel, action)
  }

  /// Ends the notice: the answer is complete.
  ///
  /// - Parameter channel: The client's connection.
  static func forget(_ channel: (any Channel)?) { set(channel, nil) }

  private static func set(_ channel: (any Channel)?, _ action: (@Sendable () -> Void)?) {
    guard let channel else { return }
    channel.eventLoop.execute {
      let pipeline = channel.pipeline.syncOperations
      guard channel.isActive, let handler = try? pipeline.handler(type: ConnectionHandler.self)
      else { return action?() ?? () }
      handler.watch(action)
    }
  }
}
