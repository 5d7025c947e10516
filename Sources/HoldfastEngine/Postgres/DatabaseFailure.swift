import CPostgres
import HoldfastCore

/// What the server, or the client library in its place, said about a statement that failed.
///
/// It keeps the code and the names of schema objects and, where no stored value can stand in it,
/// the server's sentence. The server's detail, hint and context are never read: they quote values.
struct DatabaseFailure: Error, Equatable {
  /// The five characters of the SQL standard; empty where the connection broke.
  let state: String
  /// `ERROR`, `FATAL` or `PANIC`, whatever the server's language; empty where the connection broke.
  let severity: String
  /// The server's sentence where it is free of values.
  let sentence: String?
  /// The constraint or table that the failure is about.
  let object: String?
  /// The locks that the transaction must hold before it begins when it runs again.
  private(set) var awaited: [Int64] = []

  /// The failure of a transaction that has to run again behind more locks.
  ///
  /// - Parameter locks: Their numbers.
  init(awaiting locks: [Int64]) {
    self.init(state: "40001")
    awaited = locks
  }

  init(state: String, severity: String = "ERROR", sentence: String? = nil, object: String? = nil) {
    self.state = state
    self.severity = severity
    self.sentence = sentence
    self.object = object
  }

  /// Reads the failure from a result.
  ///
  /// - Parameter result: A result of libpq's whose status says that it failed.
  init(_ result: OpaquePointer) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii))
      else { return nil }
      return String(cString: text)
    }
    let state = field("C") ?? ""
    self.init(
      state: state, severity: field("V") ?? field("S") ?? "",
      sentence: Self.speaksFreely(state) ? field("M") : nil, object: field("n") ?? field("t"))
  }

  /// The connection broke before an answer came.
  static let connectionLost = DatabaseFailure(state: "", severity: "")

  /// Classes whose sentences speak of the server or the schema, never of data.
  private static func speaksFreely(_ state: String) -> Bool {
    ["08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58"].contains(state.prefix(2))
  }
}

extension DatabaseFailure: CustomStringConvertible {
  var description: String {
    [severity, state, sentence, object].compactMap(\.self).filter { !$0.isEmpty }
      .joined(separator: " ")
  }
}

extension DatabaseFailure {
  /// Whether the same transaction may well succeed when it runs again: serialization failures and
  /// deadlocks, and the unique violations that PostgreSQL reports in place of the former when two
  /// transactions insert a key that both had looked for.
  var isRetryable: Bool { ["40001", "40P01", "23505", "23P01"].contains(state) }

  /// Whether it says for certain that the transaction did not commit.
  ///
  /// A panic may strike after the commit was logged, and a broken connection says nothing.
  var deniesCommit: Bool { !state.isEmpty && severity != "PANIC" && state != "40003" }

  /// Whether the session is unfit for more work although it is still connected: its prepared
  /// statements no longer fit the schema, or somebody threw them away.
  var spoilsSession: Bool { ["26000", "0A000"].contains(state) || severity != "ERROR" }
}

extension DatabaseFailure {
  /// The failure as Holdfast's callers see it.
  var storeError: StoreError {
    let row = Self.row(for: state)
    var details: Object = [:]
    if !state.isEmpty { details["sqlstate"] = .string(state) }
    if let object { details["object"] = .string(object) }
    return StoreError(row.code, row.message, hint: row.hint, details: details, cause: self)
  }

  /// What one state, or one class of states, means for the caller.
  struct Meaning {
    let code: StoreError.Code
    let message: String
    let hint: String?

    init(_ code: StoreError.Code, _ message: String, hint: String? = nil) {
      self.code = code
      self.message = message
      self.hint = hint
    }
  }

  /// Finds the row of the table: the state itself first, then its class.
  static func row(for state: String) -> Meaning {
    if state.isEmpty { return lost }
    return states[state] ?? classes[String(state.prefix(2))] ?? unknown
  }

  private static let lost = Meaning(.unavailable, "The connection to PostgreSQL broke.")
  private static let unknown = Meaning(
    .internal, "PostgreSQL refused a statement of Holdfast's.",
    hint: "Report this as a bug, with the SQLSTATE from the details.")
  private static let oldSchema = Meaning(
    .incompatible, "The schema in PostgreSQL is not the one that this version of Holdfast expects.")
  private static let goingDown = Meaning(
    .unavailable, "PostgreSQL is shutting down or starting.",
    hint: "Try again in a moment; nothing was written.")
  private static let damaged = Meaning(.corrupt, "PostgreSQL found damaged data.")

  /// One row a state that means more than its class.
  static let states: [String: Meaning] = [
    // The class speaks of connections; this state says that a message was wrong, over a sound one.
    "08P01": unknown,
    "22021": Meaning(.invalid, "A text is not valid UTF-8 or holds a NUL."),
    "22P05": Meaning(.invalid, "A text holds a character that the database cannot store."),
    "23505": Meaning(.unavailable, "The transaction met another one again and again."),
    "23P01": Meaning(.unavailable, "The transaction met another one again and again."),
    "25006": Meaning(
      .unavailable, "The PostgreSQL server takes no writes: it is a standby or read-only.",
      hint: "Name every host of the cluster in the URL, so that the primary is found."),
    "25P03": Meaning(.unavailable, "A transaction stood still for too long and was ended."),
    "28000": Meaning(
      .unauthenticated, "PostgreSQL does not let this user in.",
      hint: "Check the user, the database and the server's pg_hba.conf."),
    "28P01": Meaning(
      .unauthenticated, "PostgreSQL refused the password.", hint: "Give the right password."),
    "3D000": Meaning(
      .notFound, "The database does not exist.",
      hint: "Create the database, or correct its name."),
    "3F000": Meaning(
      .notFound, "The schema does not exist.",
      hint: "Create the schema, or correct the search path."
    ),
    "40003": Meaning(.uncertain, "PostgreSQL does not know whether the transaction was committed."),
    "42501": Meaning(
      .forbidden, "The PostgreSQL user may not do this.",
      hint: "Grant the user the rights on the schema and its tables."),
    "42P01": oldSchema, "42703": oldSchema, "42883": oldSchema, "42P07": oldSchema,
    "42723": oldSchema, "42710": oldSchema,
    "53100": Meaning(.exhausted, "The disk of the PostgreSQL server is full."),
    "53200": Meaning(.unavailable, "The PostgreSQL server is out of memory."),
    "53300": Meaning(
      .unavailable, "The PostgreSQL server has no connection left.",
      hint: "Raise max_connections, or open fewer connections."),
    "53400": Meaning(.exhausted, "A limit in the PostgreSQL server's configuration was reached."),
    "55P03": Meaning(.unavailable, "Another transaction held a lock for too long."),
    "57014": Meaning(.unavailable, "PostgreSQL ended a statement that took too long."),
    "72000": Meaning(.unavailable, "The snapshot of a long read is no longer kept."),
    "XX001": damaged, "XX002": damaged,
  ]

  /// One row a class, for the states that have none of their own.
  static let classes: [String: Meaning] = [
    "08": lost,
    "25": Meaning(.unavailable, "The transaction was no longer open."),
    "28": Meaning(.unauthenticated, "PostgreSQL does not let this user in."),
    "40": Meaning(.unavailable, "The transaction met another one again and again."),
    "53": Meaning(.exhausted, "The PostgreSQL server is out of a resource."),
    "54": Meaning(.tooLarge, "PostgreSQL cannot take a value of this size."),
    "57": goingDown,
    "58": Meaning(.unavailable, "The PostgreSQL server could not read or write a file."),
  ]
}
