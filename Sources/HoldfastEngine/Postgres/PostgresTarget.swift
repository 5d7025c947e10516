import CPostgres
import HoldfastCore

/// Where a PostgreSQL store lives: what a URL says, in the form that libpq takes.
///
/// What of it may be shown is ``shown``: never the password, and never the URL.
struct PostgresTarget: Sendable {
  /// The parameters of the connection, as libpq names them.
  let parameters: [(name: String, value: String)]

  /// Reads a URL.
  ///
  /// - Parameter url: `postgres://user:password@host1,host2/database?…`, or `postgresql://…`.
  /// - Throws: `invalid` for anything else; the error does not repeat what was given.
  init(url: String) throws(StoreError) {
    guard let colon = url.firstRange(of: "://"), !url.utf8.contains(0),
      ["postgres", "postgresql"].contains(url[..<colon.lowerBound].lowercased())
    else { throw Self.malformed }
    // libpq knows its scheme in small letters only. Its own complaint may quote the part that it
    // could not read, a password for example.
    let known = "postgres" + url[colon.lowerBound...]
    guard let options = PQconninfoParse(known, nil) else { throw Self.malformed }
    defer { PQconninfoFree(options) }
    var parameters: [(name: String, value: String)] = []
    var option = options
    while let name = option.pointee.keyword {
      if let value = option.pointee.val {
        parameters.append((String(cString: name), String(cString: value)))
      }
      option += 1
    }
    self.parameters = Self.complete(parameters)
  }

  private static let malformed = StoreError(
    .invalid, "The PostgreSQL URL cannot be read.",
    hint: "Write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters as %XX.")

  /// Adds what the URL leaves open and Holdfast wants otherwise than libpq does.
  private static func complete(
    _ given: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    var all = given
    func add(_ name: String, _ value: String) {
      if !all.contains(where: { $0.name == name }) { all.append((name, value)) }
    }
    let severalHosts = given.contains {
      ($0.name == "host" || $0.name == "hostaddr") && $0.value.contains(",")
    }
    if severalHosts { add("target_session_attrs", "read-write") }
    all.removeAll { $0.name == "client_encoding" }
    add("client_encoding", "UTF8")
    add("application_name", "holdfast")
    // A peer that vanished without a word is noticed within some seconds.
    add("keepalives_idle", "10")
    add("keepalives_interval", "5")
    add("keepalives_count", "3")
    add("tcp_user_timeout", "20000")
    return all
  }

  private init(parameters: [(name: String, value: String)]) { self.parameters = parameters }

  /// The same target, once for each of its hosts.
  var hosts: [PostgresTarget] {
    let lists = ["host", "hostaddr"].map { self[$0]?.split(separator: ",").map(String.init) ?? [] }
    let count = lists.map(\.count).max() ?? 0
    guard count > 1 else { return [self] }
    let ports = self["port"]?.split(separator: ",").map(String.init) ?? []
    return (0..<count).map { index in
      PostgresTarget(
        parameters: parameters.map { name, value in
          switch name {
          case "host" where index < lists[0].count: (name, lists[0][index])
          case "hostaddr" where index < lists[1].count: (name, lists[1][index])
          case "port" where ports.count > 1: (name, ports[index % ports.count])
          default: (name, value)
          }
        })
    }
  }

  /// How long an attempt to connect to one host may take.
  var connectTimeMax: Duration {
    guard let seconds = self["connect_timeout"].flatMap({ Int64($0) }), seconds > 0 else {
      return Wire.connectTimeMax
    }
    return .seconds(min(seconds, 60))
  }

  /// A parameter.
  ///
  /// - Parameter name: Its name in libpq.
  subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// Where the store lives, for errors: hosts with ports, database and user.
  var shown: String {
    let hosts = (self["host"] ?? self["hostaddr"] ?? "the local socket").split(separator: ",")
    let ports = (self["port"] ?? "5432").split(separator: ",")
    let places = hosts.enumerated().map { index, host in
      host.hasPrefix("/") || host.contains(" ")
        ? String(host) : "\(host):\(ports.count == 1 ? ports[0] : ports[index % ports.count])"
    }
    let user = self["user"] ?? "the default user"
    return "\(places.joined(separator: ", ")) (database \(database), user \(user))"
  }

  /// The database's name, for errors.
  var database: String { self["dbname"] ?? self["user"] ?? "of the default user" }

  /// Lends the parameters as libpq's arrays.
  ///
  /// - Parameter body: Takes the names and the values, both ended by a NULL.
  /// - Returns: What the body returned.
  func withArrays<Result>(
    _ body: ([UnsafePointer<CChar>?], [UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    let names = parameters.map { strdup($0.name) }
    let values = parameters.map { strdup($0.value) }
    defer {
      for text in names { free(text) }
      for text in values { free(text) }
    }
    func ended(_ texts: [UnsafeMutablePointer<CChar>?]) -> [UnsafePointer<CChar>?] {
      texts.map { $0.map { UnsafePointer($0) } } + [nil]
    }
    return body(ended(names), ended(values))
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
