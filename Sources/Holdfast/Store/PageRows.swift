import HoldfastCore
import HoldfastEngine

extension Connection {
  /// Reads a page whose rows may be large: it ends early where they grow past a bound.
  ///
  /// - Parameters:
  ///   - statement: A list that was asked for one row more than the page holds, by which is known
  ///     whether there are more.
  ///   - bindings: Its parameters.
  ///   - limit: How many rows the page holds at most; it holds at least one where there is one.
  ///   - bytesMax: The bound in bytes.
  ///   - make: Makes the item of a row, and says how many bytes it takes.
  /// - Returns: The items, and whether there are more.
  /// - Throws: What the database says, as a ``StoreError``.
  func page<Item>(
    _ statement: Statement, _ bindings: [Bound], limit: Int, bytesMax: Int,
    _ make: (Row) throws(StoreError) -> (Item, bytes: Int)
  ) throws(StoreError) -> (items: [Item], isMore: Bool) {
    var items: [Item] = []
    var bytes = 0
    var isMore = false
    do {
      try forEachRow(statement, bindings) { row in
        guard items.count < limit, items.isEmpty || bytes < bytesMax else {
          isMore = true
          throw FullPage()
        }
        let (item, size) = try make(row)
        items.append(item)
        bytes += size
      }
    } catch is FullPage {
    } catch {
      throw StoreError.from(error)
    }
    return (items, isMore)
  }
}

/// Ends the walk over rows when a page is full.
private struct FullPage: Error {}
