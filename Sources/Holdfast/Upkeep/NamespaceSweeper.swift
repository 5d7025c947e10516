import HoldfastCore
import HoldfastEngine

/// Finds the namespaces whose last key expired or was deleted, and marks their rows for the sweep
/// of what was cleared.
///
/// Without it a store that names its namespaces after what passes, such as a conversation, would
/// keep a row for each for ever. It walks through all of them, a page at a time, so it is done
/// seldom; every node may, for what is marked is marked.
struct NamespaceSweeper {
  /// How many namespaces one page looks at.
  private static let pageRowsMax = 500

  /// The last row that was looked at; 0 before a walk.
  private(set) var last: Int64 = 0

  /// Looks at the next page.
  ///
  /// What fails of it is left for the next walk, and the walk goes on behind it.
  ///
  /// - Parameters:
  ///   - store: Whose.
  ///   - settings: In whose name.
  /// - Returns: Whether the walk is over; the next one begins anew.
  /// - Throws: What the database says, as a ``StoreError``.
  mutating func retirePage(
    in store: Store, _ settings: WriteSettings
  ) async throws(StoreError) -> Bool {
    let page = try await store.engine.read(
      Step(UpkeepSQL.namespaces, [.integer(last), .integer(Int64(Self.pageRowsMax))])
    ).rows
    let isOver = page.count < Self.pageRowsMax
    last = isOver ? 0 : page.last?[0].integer ?? 0
    var failure: StoreError?
    for (door, numbers) in Self.empty(in: page, store.engine.dialect) {
      do {
        try await store.write(settings, hotRows: []) { tx in
          try tx.namespaces.retire(numbers, behind: door)
        }
      } catch {
        failure = StoreError.from(error)
      }
    }
    if let failure { throw failure }
    return isOver
  }

  /// The numbers of the namespaces of a page that have no keys, by their doors: a transaction shuts
  /// one at a time. SQLite, which has one writer, has no doors.
  private static func empty(in page: [[Bound]], _ dialect: Dialect) -> [Int: [Int64]] {
    var empty: [Int: [Int64]] = [:]
    for row in page where row[2].integer == nil {
      // A name that is none is for those who verify the store to find.
      guard let namespace = try? Namespace(stored: row[1].text ?? ""), let number = row[0].integer
      else { continue }
      let door = dialect == .sqlite ? 0 : Int(NamespaceDoor.number(of: namespace))
      empty[door, default: []].append(number)
    }
    return empty
  }
}
