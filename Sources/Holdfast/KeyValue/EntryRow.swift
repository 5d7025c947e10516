import HoldfastCore
import HoldfastEngine

/// Rows of `kv`, in the order of columns that every statement of this folder gives:
/// key, version, created, updated, expires, description, value.
extension Entry {
  init(row: Row) throws(StoreError) {
    self.init(
      key: row.text(0), value: try row.value(6).value, version: row.integer(1),
      createdAt: Instant(microseconds: row.integer(2)),
      updatedAt: Instant(microseconds: row.integer(3)),
      expiresAt: row.optionalInteger(4).map(Instant.init(microseconds:)),
      description: row.optionalText(5))
  }

  init?(columns: [Bound]) throws(StoreError) {
    guard columns.count == 7, let key = columns[0].text, let version = columns[1].integer,
      let created = columns[2].integer, let updated = columns[3].integer,
      let text = columns[6].text
    else { return nil }
    self.init(
      key: key, value: try ValueText.decode(text), version: version,
      createdAt: Instant(microseconds: created), updatedAt: Instant(microseconds: updated),
      expiresAt: columns[4].integer.map(Instant.init(microseconds:)),
      description: columns[5].text)
  }
}

extension ListedKey {
  /// - Parameters:
  ///   - row: The row.
  ///   - withValue: Whether it has the value.
  ///   - bytes: Grows by the size of the value.
  /// - Throws: `corrupt` for a row that cannot be one.
  init(row: Row, withValue: Bool, bytes: inout Int) throws(StoreError) {
    var value: Value?
    if withValue {
      let (decoded, size) = try row.value(6)
      value = decoded
      bytes += size
    }
    self.init(
      key: row.text(0), value: value, version: row.integer(1),
      createdAt: Instant(microseconds: row.integer(2)),
      updatedAt: Instant(microseconds: row.integer(3)),
      expiresAt: row.optionalInteger(4).map(Instant.init(microseconds:)),
      description: row.optionalText(5))
  }
}

extension Row {
  /// The value whose JSON stands in a column, read where the text lies, and the text's length.
  func value(_ column: Int32) throws(StoreError) -> (value: Value, bytes: Int) {
    let bytes = textBytes(column)
    return (try ValueText.decode(bytes), bytes.count)
  }
}

/// What the map of hot entries keeps.
final class HotEntry: Sendable {
  let entry: Entry

  init(_ entry: Entry) { self.entry = entry }
}
