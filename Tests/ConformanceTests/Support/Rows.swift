import Holdfast
import HoldfastEngine

/// Every row of every table that two stores with the same past have alike.
struct StoreRows: Equatable {
  /// By table: its rows, sorted, each as a line.
  private let tables: [String: [String]]

  /// What is a store's own: its identity, its chance, its keys; and content that is staged before
  /// the transaction that names it.
  private static let ownTables: Set<String> = [
    "meta", "leases", "chunks", "orphan_chunks", "holdfast_migrations", "schema_migrations",
  ]

  init(_ store: Store) async throws {
    let isFile = store.engine.dialect == .sqlite
    let names = try await Self.rows(
      isFile
        ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        : "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()", store
    ).compactMap(\.first?.text)
    var tables: [String: [String]] = [:]
    for name in names where !Self.ownTables.contains(name) {
      let rows = try await Self.rows(
        isFile
          ? "SELECT * FROM \(name)"
          // The server numbers its transactions for all of its databases.
          : "SELECT (to_jsonb(t) - 'writer')::text FROM \(name) AS t", store)
      tables[name] = rows.map { "\($0)" }.sorted()
    }
    self.tables = tables
  }

  private static func rows(_ text: String, _ store: Store) async throws -> [[Bound]] {
    try await store.engine.read(Step(Statement(text))).rows
  }

  /// The tables whose rows differ, with the first row that only one of the two has.
  func differences(from other: StoreRows) -> [String] {
    Set(tables.keys).union(other.tables.keys).sorted().compactMap { name in
      let (own, others) = (Set(tables[name] ?? []), Set(other.tables[name] ?? []))
      let differing = own.symmetricDifference(others)
      return differing.min().map { "\(name): \($0)" }
    }
  }
}
