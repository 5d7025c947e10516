#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Text that is hashed, compared and ordered by its bytes.
///
/// `String` takes texts of different normalisation for equal, and SQLite and PostgreSQL (`"C"`) do
/// not: every map of keys or names goes by this type.
package struct Bytewise: Hashable, Comparable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: Bytewise, right: Bytewise) -> Bool {
    equal(left.text, right.text)
  }

  package static func < (left: Bytewise, right: Bytewise) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Whether two texts are the same bytes.
  ///
  /// - Parameters:
  ///   - left: A text.
  ///   - right: Another text.
  /// - Returns: Whether they are equal, byte by byte.
  package static func equal(_ left: String, _ right: String) -> Bool {
    let count = left.utf8.count
    guard count == right.utf8.count else { return false }
    let same = left.utf8.withContiguousStorageIfAvailable { one in
      right.utf8.withContiguousStorageIfAvailable { other in
        guard let first = one.baseAddress, let second = other.baseAddress else { return count == 0 }
        return memcmp(first, second, count) == 0
      }
    }
    // Swift's own strings always have contiguous storage; bridged ones may not.
    return (same ?? nil) ?? left.utf8.elementsEqual(right.utf8)
  }
}
