/// Text that is hashed, compared and ordered by its bytes.
///
/// `String` takes texts of different normalisation for equal, and SQLite and PostgreSQL (`"C"`) do
/// not: every map of keys or names goes by this type.
package struct Bytewise: Hashable, Comparable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: Bytewise, right: Bytewise) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  package static func < (left: Bytewise, right: Bytewise) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
