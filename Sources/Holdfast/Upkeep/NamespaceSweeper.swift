import HoldfastCore
import HoldfastEngine

/// Finds the namespaces whose last key expired or was deleted, and marks their rows for the sweep
/// of what was cleared.
///
/// Without it a store that names its namespaces after what passes, such as a conversation, would
/// keep a row for each for ever. It walks through all of them, so it is done seldom; every node
/// may, for what is marked is marked.
enum NamespaceSweeper {
  /// How many namespaces one page looks at.
  private static let pageRowsMax = 500

  /// Walks through all namespaces once.
  ///
  /// - Parameter store: Whose.
  /// - Throws: What the database says, as a ``StoreError``.
  static func retireEmpty(in store: Store) async throws(StoreError) {
    var last: Int64 = 0
    while !Task.isCancelled {
      let page = try await store.engine.read(
        Step(UpkeepSQL.namespaces, [.integer(last), .integer(Int64(pageRowsMax))])
      ).rows
      for (door, numbers) in try empty(in: page) {
        try await store.change(Operation.upkeepNamespaces) { tx in
          try tx.namespaces.retire(numbers, behind: door)
        }
      }
      guard page.count == pageRowsMax, let next = page.last?[0].integer else { return }
      last = next
    }
  }

  /// The numbers of the namespaces of a page that have no keys, by their doors: a transaction shuts
  /// one at a time.
  private static func empty(in page: [[Bound]]) throws(StoreError) -> [Int: [Int64]] {
    var empty: [Int: [Int64]] = [:]
    for row in page where row[2].integer == 0 {
      let namespace = try Namespace(stored: row[1].text ?? "")
      empty[Int(NamespaceDoor.number(of: namespace)), default: []].append(row[0].integer ?? 0)
    }
    return empty
  }
}
