package import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A PostgreSQL server of a test run's own: made in a temporary folder, reached over loopback with
/// a password or over a Unix socket without one, and gone with the process that started it.
///
/// ```swift
/// let url = try await PrivatePostgres.shared.freshURL()
/// ```
///
/// A small shell stands between: it starts the server, takes orders over a socket, and when the
/// socket closes (because the test process ended, in whatever way) it stops the server and removes
/// the folder. PostgreSQL does not run as root, so the shell becomes the user `postgres` where the
/// tests are root.
package final class PrivatePostgres: Sendable {
  /// How a server is stopped before it is started again.
  package enum StopMode: String, Sendable {
    /// Sessions are ended, their transactions rolled back, and everything is written out.
    case fast
    /// As after a crash of the server: the log is replayed at the next start.
    case immediate
  }

  /// The superuser, who owns the database.
  package static let user = "holdfast"
  /// What the server asks for over loopback.
  package static let password = "only-for-tests"
  /// The database that the schemas are made in.
  package static let database = "holdfast"

  /// The loopback port.
  package let port: Int
  /// The folder of the server; its Unix socket lies in it.
  package let folder: String
  private let shell: Int32
  private let schemas = NIOLockedValueBox((made: 0, ready: [String]()))

  /// One thread for all orders: they block, and must come one after the other.
  private static let orders = WorkerPool(name: "private-pg", threadsMax: 1)
  private static let started = NIOLockedValueBox<Result<PrivatePostgres, StoreError>?>(nil)

  /// The server that all tests of the process share, started at its first use.
  package static var shared: PrivatePostgres {
    get async throws(StoreError) {
      try await blocking { () throws(StoreError) in
        if let result = started.withLockedValue(\.self) { return try result.get() }
        let result = Result { () throws(StoreError) in try PrivatePostgres(syncs: true) }
        started.withLockedValue { $0 = result }
        return try result.get()
      }
    }
  }

  /// Starts a server that is nobody else's.
  ///
  /// - Parameter syncs: Whether it waits for the disk at each commit.
  /// - Returns: The server, ready for connections.
  /// - Throws: `unavailable` where PostgreSQL is not installed or does not start.
  package static func start(syncs: Bool = true) async throws(StoreError) -> PrivatePostgres {
    try await blocking { () throws(StoreError) in try PrivatePostgres(syncs: syncs) }
  }

  private init(syncs: Bool) throws(StoreError) {
    let programs = try ServerPrograms.find()
    port = try freeLoopbackPort()
    folder = try programs.makeFolder()
    shell = try programs.spawnShell(folder: folder, port: port, syncs: syncs)
    try order("up")
  }

  deinit { close(shell) }

  /// A URL whose schema is new and empty.
  ///
  /// - Returns: The URL, with user and password.
  package func freshURL() async throws(StoreError) -> String {
    let name = try await Self.blocking { [self] () throws(StoreError) in try freshSchema() }
    return url(schema: name)
  }

  /// The URL of one schema over loopback.
  ///
  /// - Parameters:
  ///   - schema: A name of small letters, digits and underscores.
  ///   - host: The host to name in it, such as that of a proxy.
  ///   - port: The port to name in it; the server's own if left out.
  ///   - password: The password to name in it.
  /// - Returns: The URL.
  package func url(
    schema: String, host: String = "127.0.0.1", port: Int? = nil, password: String = password
  ) -> String {
    "postgres://\(Self.user):\(password)@\(host):\(port ?? self.port)/\(Self.database)"
      + "?options=-csearch_path%3D\(schema)"
  }

  /// The URL of one schema over the Unix socket, which is a little faster and asks for no password.
  ///
  /// - Parameter schema: A name of small letters, digits and underscores.
  /// - Returns: The URL.
  package func socketURL(schema: String) -> String {
    "postgres:///\(Self.database)?host=\(folder)&port=\(port)&user=\(Self.user)"
      + "&options=-csearch_path%3D\(schema)"
  }

  /// Makes an empty schema.
  ///
  /// - Returns: Its name.
  package func schema() async throws(StoreError) -> String {
    try await Self.blocking { [self] () throws(StoreError) in try freshSchema() }
  }

  /// Runs statements as the superuser in the server's database.
  ///
  /// - Parameter sql: The statements, on one line.
  /// - Throws: `unavailable`, saying where the server's log is.
  package func run(_ sql: String) async throws(StoreError) {
    try await Self.blocking { [self] () throws(StoreError) in try order("sql \(sql)") }
  }

  /// Stops the server and starts it again, on the same port with the same data.
  ///
  /// - Parameter mode: How it is stopped.
  /// - Throws: `unavailable`, saying where the server's log is.
  package func restart(mode: StopMode) async throws(StoreError) {
    try await Self.blocking { [self] () throws(StoreError) in
      try order("down \(mode.rawValue)")
      try order("up")
    }
  }

  /// Stops the server; ``resume()`` starts it again.
  ///
  /// - Parameter mode: How it is stopped.
  /// - Throws: `unavailable`, saying where the server's log is.
  package func stop(mode: StopMode = .fast) async throws(StoreError) {
    try await Self.blocking { [self] () throws(StoreError) in try order("down \(mode.rawValue)") }
  }

  /// Starts the server after ``stop(mode:)``.
  package func resume() async throws(StoreError) {
    try await Self.blocking { [self] () throws(StoreError) in try order("up") }
  }

  /// Schemas are made many at a time, because each order costs the start of a client.
  private func freshSchema() throws(StoreError) -> String {
    if let name = schemas.withLockedValue({ $0.ready.popLast() }) { return name }
    let names = schemas.withLockedValue { schemas in
      defer { schemas.made += 32 }
      return (schemas.made..<schemas.made + 32).map { "t\($0)" }
    }
    try order("sql " + names.map { "CREATE SCHEMA \($0);" }.joined(separator: " "))
    return schemas.withLockedValue { schemas in
      schemas.ready = names.dropFirst().reversed()
      return names[0]
    }
  }

  /// Gives an order and waits until it is carried out; runs on the thread of the orders.
  private func order(_ text: String) throws(StoreError) {
    let line = Array((text + "\n").utf8)
    var sent = 0
    while sent < line.count {
      let count = line[sent...].withUnsafeBytes {
        send(shell, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ServerPrograms.trouble("its shell ended", folder) }
      sent += count
    }
    var byte = UInt8(0)
    var answer = ""
    while read(shell, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
      answer.unicodeScalars.append(Unicode.Scalar(byte))
    }
    let verb = text.prefix { $0 != " " }
    guard answer == "done 0" else { throw ServerPrograms.trouble("\(verb): \(answer)", folder) }
  }

  private static func blocking<Result: Sendable>(
    _ work: @escaping @Sendable () throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    let result: Swift.Result<Result, StoreError> = await withCheckedContinuation { continuation in
      do throws(StoreError) {
        try orders.submit {
          continuation.resume(returning: Swift.Result { () throws(StoreError) in try work() })
        }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }
}

/// A loopback port that nobody listens at.
///
/// It lies below those that the system gives to clients by itself: between this look and the start
/// of the server a test's own connection would otherwise take it now and then.
///
/// - Returns: The port.
/// - Throws: ``StoreError`` with `unavailable` where none of many was free.
func freeLoopbackPort() throws(StoreError) -> Int {
  for _ in 0..<200 {
    let port = SystemIDSource().random(in: 15_000...30_000)
    if isFree(loopbackPort: UInt16(port)) { return Int(port) }
  }
  throw StoreError(.unavailable, "No loopback port is free (error \(errno)).")
}

private func isFree(loopbackPort port: UInt16) -> Bool {
  let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(probe) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  let length = socklen_t(MemoryLayout<sockaddr_in>.size)
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(probe, $0, length) == 0 }
  }
}
