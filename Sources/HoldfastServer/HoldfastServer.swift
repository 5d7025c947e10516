public import Holdfast
package import HoldfastCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
public import ServiceLifecycle

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Offers a store over HTTP: it translates, authorises and decides nothing else.
///
/// ```swift
/// let store = try await Store.open("agents.db")
/// let server = HoldfastServer(store: store)
/// let group = ServiceGroup(
///   services: [server], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
///
/// On a graceful shutdown it accepts no more connections, answers what it has accepted, ends
/// streams, and cuts off what is left after ``ServerOptions/shutdownTimeMax``. The store stays
/// open: close it afterwards.
public struct HoldfastServer: Service {
  private let core: ServerCore
  private let options: ServerOptions
  private let whenReady: @Sendable (Int) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - store: The store that it offers.
  ///   - options: How it listens and what bounds it has.
  ///   - whenReady: Called with the port once connections are accepted.
  public init(
    store: Store, options: ServerOptions = ServerOptions(),
    whenReady: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    core = ServerCore(store: store, options: options)
    self.options = options
    self.whenReady = whenReady
  }

  /// Looks at what can be wrong with the options by themselves.
  ///
  /// - Parameter options: How a server would listen.
  /// - Throws: ``StoreError`` with `invalid` for a certificate that cannot be used.
  package static func check(_ options: ServerOptions) throws(StoreError) {
    guard let files = options.tls else { return }
    _ = try HTTPServerBuilder.tls(.http1(), files: files)
  }

  /// Serves until it is told to stop.
  ///
  /// - Throws: ``StoreError`` with `unavailable` where the address cannot be listened on, `invalid`
  ///   for a certificate that cannot be used.
  public func run() async throws {
    let isListening = NIOLockedValueBox(false)
    let application = Application(
      responder: core, server: try builder(),
      configuration: ApplicationConfiguration(
        address: .hostname(options.host, port: options.port), backlog: 1_024,
        availableConnectionsDelegate: MaximumAvailableConnections(
          options.connectionsMax, logger: options.logger)),
      onServerRunning: { [whenReady] channel in
        isListening.withLockedValue { $0 = true }
        await whenReady(channel.localAddress?.port ?? 0)
      },
      logger: options.logger)
    var configuration = ServiceGroupConfiguration(
      services: [.init(service: application)], logger: options.logger)
    configuration.maximumGracefulShutdownDuration = options.shutdownTimeMax
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch {
      guard isListening.withLockedValue({ $0 }) else { throw failure(error) }
      throw error
    }
  }

  private func builder() throws(StoreError) -> HTTPServerBuilder {
    let stallTimeMax = options.stallTimeMax
    let http = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [ConnectionHandler(stallTimeMax: stallTimeMax)],
        idleTimeout: TimeAmount(stallTimeMax),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: options.headerBytesMax, maxHeaderListSize: options.headerBytesMax)))
    guard let files = options.tls else { return http }
    return try .tls(http, files: files)
  }

  /// Why the server could not begin to listen.
  private func failure(_ error: any Error) -> StoreError {
    if let error = error as? StoreError { return error }
    let place = "\(options.host), port \(options.port)"
    let (message, hint) =
      switch (error as? IOError)?.errnoCode {
      case EADDRINUSE:
        (
          "Another program listens on \(place) already.",
          "Stop that program, or choose another port."
        )
      case EACCES:
        ("This user may not listen on \(place).", "Choose a port above 1023.")
      default:
        (
          "The server could not listen on \(place).",
          "Choose an address of this machine and a free port."
        )
      }
    return StoreError(.unavailable, message, hint: hint, cause: error)
  }
}
