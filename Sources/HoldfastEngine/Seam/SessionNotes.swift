/// What is noted with one session of the database, for as long as that session lives.
///
/// On PostgreSQL a session is a connection to the server: when it is lost, its advisory locks go
/// and so do its notes, together. Who takes a lock for the whole of a session notes it here, and a
/// transaction that is rolled back takes neither away. On SQLite, which has one writer, the notes
/// of a store's writer live as long as the store is open.
///
/// Bodies alone reach them. They belong to whoever has the session, one thread at a time.
package final class SessionNotes {
  private var numbers: [String: Int64] = [:]

  init() {}

  /// A number under a name; `nil` where nothing was noted.
  ///
  /// - Parameter name: What was noted.
  package subscript(_ name: String) -> Int64? {
    get { numbers[name] }
    set { numbers[name] = newValue }
  }
}
