import CSchema
package import HoldfastEngine

/// The numbered steps of the schema that this version of Holdfast knows.
package enum Migrations {
  /// All of them, in order.
  package static let all: [Migration] = (1...holdfast_migration_count()).compactMap { number in
    guard let name = holdfast_migration_name(number),
      let sqlite = holdfast_migration_sqlite(number),
      let postgres = holdfast_migration_postgres(number)
    else { return nil }
    return Migration(
      number: Int(number), name: String(cString: name), sqlite: String(cString: sqlite),
      postgres: String(cString: postgres))
  }
}
