package import HoldfastCore
import HoldfastEngine

extension Store {
  /// The migrations that opening a store would run; nothing is changed.
  ///
  /// - Parameter location: Where the store lives; a missing file needs all of them.
  /// - Returns: Their numbers and names, in order.
  /// - Throws: ``StoreError`` as for opening.
  package static func plannedMigrations(
    _ location: StoreLocation
  ) async throws(StoreError) -> [(number: Int, name: String)] {
    let planned =
      switch location.kind {
      case .file(let path):
        try await SQLiteEngine.plannedMigrations(path: path, migrations: Migrations.all)
      case .postgres(let url):
        try await PostgresEngine.plannedMigrations(url: url, migrations: Migrations.all)
      case .temporary: Migrations.all
      case .unreadable: throw StoreLocation.unreadable
      }
    return planned.map { ($0.number, $0.name) }
  }
}
