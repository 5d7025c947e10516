import CPostgres
import HoldfastCore

/// Opens connections to one target, and says what failed in words that hold no secret.
///
/// It blocks (the look-up of a host name does, whatever one does), so it runs on a thread of its
/// own.
struct Connecting: Sendable {
  let target: PostgresTarget

  /// Opens a connection and checks that the server is one that Holdfast can use.
  ///
  /// - Returns: The session, without any of Holdfast's settings yet.
  /// - Throws: `unauthenticated` for a wrong password or user, `not_found` for a missing database,
  ///   `invalid` for parameters of the URL that cannot be, `incompatible` for a server that cannot
  ///   be used, `unavailable` for anything else.
  func open() throws(StoreError) -> Session {
    var refusals: [StoreError] = []
    for host in target.hosts {
      do throws(StoreError) { return try open(host) } catch { refusals.append(error) }
    }
    // A host that is down is named only where no other one says something more exact.
    guard let telling = refusals.first(where: { $0.code != .unavailable }) ?? refusals.last else {
      throw StoreError(.invalid, "The PostgreSQL URL names no host.", hint: "Name a host.")
    }
    throw telling
  }

  /// Hosts are tried one by one, each with a time of its own: left to itself the library waits for
  /// the first one, which may be dead without a word, and never comes to the second.
  private func open(_ host: PostgresTarget) throws(StoreError) -> Session {
    let started = host.withArrays { names, values in PQconnectStartParams(names, values, 0) }
    guard let started else { throw StoreError(.exhausted, "There is no memory left.") }
    // With only the code in its message, the reason is read the same way in every language of the
    // server, and no text of the server's can bring in what must not be shown.
    PQsetErrorVerbosity(started, PQERRORS_SQLSTATE)
    PQsetNoticeProcessor(started, { _, _ in }, nil)
    guard Self.finish(started, host.connectTimeMax) else {
      defer { PQfinish(started) }
      throw refusal(of: started)
    }
    PQsetErrorVerbosity(started, PQERRORS_DEFAULT)
    let session = Session(started)
    try check(session)
    return session
  }

  private static func finish(_ connection: OpaquePointer, _ limit: Duration) -> Bool {
    let clock = SystemTimeSource()
    let deadline = clock.monotonicTime() + limit
    guard PQstatus(connection) != CONNECTION_BAD else { return false }
    var phase = PGRES_POLLING_WRITING
    while true {
      switch phase {
      case PGRES_POLLING_OK: return true
      case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
        let left = deadline - clock.monotonicTime()
        let reads = phase == PGRES_POLLING_READING
        guard Wire.wait(for: PQsocket(connection), reads: reads, writes: !reads, atMost: left)
        else { return false }
      default: return false
      }
      phase = PQconnectPoll(connection)
    }
  }

  private func check(_ session: Session) throws(StoreError) {
    let connection = session.connection
    func status(_ name: String) -> String {
      PQparameterStatus(connection, name).map { String(cString: $0) } ?? ""
    }
    let version = PQserverVersion(connection)
    guard version >= 150_000 else {
      throw StoreError(
        .incompatible, "The server is PostgreSQL \(status("server_version")).",
        hint: "Use PostgreSQL 15 or newer.")
    }
    guard status("server_encoding") == "UTF8" else {
      throw StoreError(
        .incompatible, "The database is encoded in \(status("server_encoding")).",
        hint: "Create a database with ENCODING 'UTF8'.")
    }
    guard status("integer_datetimes") == "on" else {
      throw StoreError(
        .incompatible, "The server keeps times as floating-point numbers.",
        hint: "Use a server built with integer times.")
    }
  }

  /// Why the server did not let us in.
  private func refusal(of connection: OpaquePointer) -> StoreError {
    let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
    let states = Self.states(in: text)
    let cause = ConnectionRefusal(states: states, text: text)
    let place = target.shown
    if PQconnectionNeedsPassword(connection) == 1 {
      return StoreError(
        .unauthenticated, "PostgreSQL at \(place) asks for a password.",
        hint: "Put the password into the URL, PGPASSWORD or a password file.", cause: cause)
    }
    if states.contains(where: Self.refusesParameters(state:))
      || Self.refusesParameters(text: text)
    {
      var details: Object = [:]
      if let name = Self.parameter(named: text, of: target) { details["parameter"] = .string(name) }
      if let state = states.first { details["sqlstate"] = .string(state) }
      return StoreError(
        .invalid, "The PostgreSQL URL holds a parameter that cannot be: \(place).",
        hint: "Correct the port and what stands behind the question mark.", details: details,
        cause: cause)
    }
    if let state = states.first(where: { DatabaseFailure.row(for: $0).code != .unavailable }) {
      let row = DatabaseFailure.row(for: state)
      return StoreError(
        row.code, "\(row.message.dropLast()): \(place).", hint: row.hint,
        details: ["sqlstate": .string(state)], cause: cause)
    }
    if let state = states.first {
      return StoreError(
        .unavailable, "PostgreSQL at \(place) takes no connections now (SQLSTATE \(state)).",
        hint: DatabaseFailure.row(for: state).hint, details: ["sqlstate": .string(state)],
        cause: cause)
    }
    if text.contains("could not translate host name") {
      return StoreError(
        .unavailable, "The host name of PostgreSQL at \(place) is not known.",
        hint: "Check the host in the URL.", cause: cause)
    }
    if text.contains("read-only") || text.contains("read only") {
      return StoreError(
        .unavailable, "None of the PostgreSQL servers at \(place) takes writes.",
        hint: "Wait for the failover to end, or name the primary's host.", cause: cause)
    }
    if text.contains("does not support SSL") || text.contains("certificate") {
      return StoreError(
        .incompatible, "PostgreSQL at \(place) and the URL do not agree on TLS.",
        hint: "Check sslmode and the certificates in the URL, and whether the server offers TLS.",
        cause: cause)
    }
    return StoreError(
      .unavailable, "No PostgreSQL server answers at \(place).",
      hint: "Check host and port, and that the server runs.", cause: cause)
  }

  /// Whether a server says with a state that what the URL asks it for cannot be: its syntax, an
  /// unknown setting, or a value that a setting cannot have.
  static func refusesParameters(state: String) -> Bool {
    ["42601", "42704", "22023", "55P02"].contains(state)
  }

  /// Whether the library says so itself, before it asked any server.
  static func refusesParameters(text: String) -> Bool {
    text.hasPrefix("invalid ") || text.hasPrefix("could not match ")
  }

  /// The parameter of which the library complains, whose value it quotes first.
  static func parameter(named text: String, of target: PostgresTarget) -> String? {
    var parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    if parts.count > 1 { parts.remove(at: 1) }
    let words = parts.joined(separator: " ").split { $0 == " " || $0 == ":" || $0 == "\n" }
    return words.map(String.init).first { target[$0] != nil }
  }

  /// The codes in a message of the terse kind, where each line that comes from a server ends with
  /// its severity and the code: `… FATAL:  28P01`.
  static func states(in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      guard line.count > 8, line.dropLast(5).hasSuffix(":  ") else { return nil }
      return String(line.suffix(5))
    }
  }
}

/// Why a connection was not made, for the log of the process that owns the store: libpq's sentence,
/// which names hosts, ports and users but no password.
struct ConnectionRefusal: Error, CustomStringConvertible {
  let states: [String]
  let text: String

  var description: String {
    text.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }.joined(separator: "; ")
  }
}
