import ArgumentParser
import Holdfast
import HoldfastCore
import HoldfastServer
import Logging
import ServiceLifecycle

/// Offers a store over HTTP.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Offer a store over HTTP, until Ctrl-C or SIGTERM.",
    discussion: """
      A store without an admin token gets one: its secret is HOLDFAST_ADMIN_TOKEN, or is written \
      to \
      DIR/admin-token. The first signal ends it in order, once what was accepted is answered; the \
      second at once.

      EXAMPLE
        holdfast serve --store postgres://agents@db.example/holdfast --port 8000
      """)

  @Option(
    help: ArgumentHelp(
      "A file, or a postgres:// URL.",
      discussion: "Without it HOLDFAST_STORE, else DIR/holdfast.db.", valueName: "store"))
  var store: String?

  @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("The port to listen on; 0 for any that is free.", valueName: "number"))
  var port = 7_420

  @Option(
    help: ArgumentHelp("Where the default store and the admin token are.", valueName: "dir"))
  var data = StoreURL.folderDefault

  @Option(help: ArgumentHelp("A certificate in PEM form, its chain behind it.", valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The certificate's private key.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "A name that clients call the server by, such as that of a proxy; may be repeated.",
      discussion: "On a loopback address the loopback names are allowed too.",
      valueName: "name"))
  var allowHost: [String] = []

  @Option(
    help: ArgumentHelp(
      "From which level on to log: trace, debug, info, notice, warning, error, critical.",
      discussion: "Without it HOLDFAST_LOG, else notice.", valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)))
  var logLevel: String?

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("A port is from 0 to 65535.") }
    guard allowHost.allSatisfy(Self.isHost) else {
      throw ValidationError(
        "A name of --allow-host has no scheme, port or wildcard, and other letters as xn--.")
    }
    guard logLevel.map({ Logger.Level(rawValue: $0) != nil }) ?? true else {
      throw ValidationError("There is no such log level.")
    }
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-certificate and --tls-key go together.")
    }
  }

  /// Whether a text can be a host: a name, or an address without brackets.
  private static func isHost(_ text: String) -> Bool {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: ":"):
        true
      default: false
      }
    }
    return isPlain && !text.isEmpty && text.split(separator: ":").count != 2
  }

  func run() async throws {
    let (stops, told) = AsyncStream.makeStream(of: Void.self)
    Signals.first { _ in told.yield() }
    let level =
      (logLevel ?? Environment.variable("HOLDFAST_LOG")).flatMap(Logger.Level.init(rawValue:))
      ?? .notice
    try check()
    let store = try await open(level)
    let outcome = await serve(store, level, until: stops)
    await store.close()
    try outcome.get()
    Stream.say("Stopped.")
  }

  /// Looks at what can be wrong by itself, before a store is made for it.
  private func check() throws(StoreError) {
    if let secret = Environment.variable("HOLDFAST_ADMIN_TOKEN") { try Token.check(secret: secret) }
    try HoldfastServer.check(options(Log.quiet))
  }

  private func open(_ level: Logger.Level) async throws(StoreError) -> Store {
    let named = store ?? Environment.variable("HOLDFAST_STORE")
    let text = named ?? data + "/holdfast.db"
    guard case .local(let path) = try StoreURL(text) else {
      throw StoreError(
        .invalid, "A server offers a store of its own, not another server's.",
        hint: "Give a file or a postgres:// URL as --store.")
    }
    if named == nil { try Files.makeFolder(data) }
    var options = StoreOptions()
    options.logger = Log.logger("holdfast", level)
    options.masterKey = try Environment.masterKey()
    options.actor = Environment.actor
    return try await Store.open(StoreLocation(path), options: options)
  }

  private func serve(
    _ store: Store, _ level: Logger.Level, until stops: AsyncStream<Void>
  ) async -> Result<Void, any Error> {
    do {
      let admin = try await AdminToken.ensure(
        store: store, directory: data, secret: Environment.variable("HOLDFAST_ADMIN_TOKEN"))
      let logger = Log.logger("holdfast.server", level)
      warnOfClearText(logger)
      let server = HoldfastServer(store: store, options: options(logger)) { port in
        Stream.say(greeting(port, admin, store.location))
      }
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
          logger: logger))
      let listening = Task { for await _ in stops { await group.triggerGracefulShutdown() } }
      defer { listening.cancel() }
      try await group.run()
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// Warns who lets other machines in without TLS: nobody should find out by being listened to.
  private func warnOfClearText(_ logger: Logger) {
    guard tlsKey == nil, !StoreURL.isLoopback(host) else { return }
    let warning = Terminal.errors.styled("Warning:", .yellow)
    Stream.say(
      """
      \(warning) other machines reach \(Printable.sentence(host)), and nothing is encrypted: who \
      listens on the network reads tokens and data.
        Give --tls-certificate and --tls-key, or listen on 127.0.0.1 behind a proxy that encrypts
        (--allow-host with the name that it is called by).
      """)
    logger.warning(
      "The server lets other machines in without TLS", metadata: ["host": .string(host)])
  }

  private func options(_ logger: Logger) -> ServerOptions {
    var options = ServerOptions()
    options.host = host
    options.port = port
    options.logger = logger
    options.hosts = allowHost
    if let tlsCertificate, let tlsKey {
      options.tls = .init(certificate: tlsCertificate, key: tlsKey)
    }
    return options
  }

  /// Where the server is, where its token is, and how to try it.
  private func greeting(_ port: Int, _ admin: AdminToken.Outcome, _ store: String) -> String {
    let name = host.contains(":") ? "[\(host)]" : host
    let address = "\(tlsKey == nil ? "http" : "https")://\(name):\(port)"
    let token: String
    let secret: String
    switch admin {
    case .written(let path):
      token = "The admin token is in \(Printable.sentence(path))."
      secret = "$(cat \(Printable.word(path)))"
    case .given:
      token = "The admin token is the one of HOLDFAST_ADMIN_TOKEN."
      secret = "$HOLDFAST_ADMIN_TOKEN"
    case .otherwise:
      token = "The store has another admin token; that of HOLDFAST_ADMIN_TOKEN is not taken."
      secret = "$HOLDFAST_TOKEN"
    case .existing:
      token = "The store has an admin token; holdfast token create makes another."
      secret = "$HOLDFAST_TOKEN"
    }
    return """
      Holdfast \(Version.number) serves \(Printable.sentence(store)) on \(address)
      \(token) Try:
        curl -H "Authorization: Bearer \(secret)" \(address)/v1/kv
      """
  }
}
