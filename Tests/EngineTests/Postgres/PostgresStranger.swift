import CPostgres
import HoldfastCore
import HoldfastTesting
import Testing

@testable import HoldfastEngine

/// Somebody else's session, with a transaction open that has an id.
final class PostgresStranger {
  private let connection: OpaquePointer

  /// Opens the transaction.
  init(_ server: PrivatePostgres, database: String) async throws {
    let url =
      "postgres:///\(database)?host=\(server.folder)&port=\(server.port)&user=\(PrivatePostgres.user)"
    connection = try #require(PQconnectdb(url))
    run("BEGIN; SELECT pg_current_xact_id();")
  }

  /// Runs statements.
  func run(_ sql: String) {
    let result = PQexec(connection, sql)
    #expect([PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)))
    PQclear(result)
  }

  /// Ends the transaction and the session.
  func end() { PQfinish(connection) }
}
