import Holdfast
import HoldfastTesting

extension Value {
  /// Whether two values are the same, NaN being NaN and the sign of a zero counting.
  func isIdentical(to other: Value?) -> Bool {
    switch (self, other) {
    case (.double(let one), .double(let two)?):
      (one.isNaN && two.isNaN) || (one == two && one.sign == two.sign)
    case (.array(let one), .array(let two)?):
      one.count == two.count && zip(one, two).allSatisfy { $0.isIdentical(to: $1) }
    case (.object(let one), .object(let two)?):
      one.count == two.count && one.allSatisfy { $0.value.isIdentical(to: two[$0.name]) }
    default: self == other
    }
  }

  /// A value of any kind, with all that is rare in practice made frequent.
  static func random(depth: Int = 0, using generator: inout SeededGenerator) -> Value {
    switch Int.random(in: 0..<(depth < 4 ? 9 : 7), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .integer(Int64(bitPattern: generator.next()) >> (generator.next() % 64))
    case 3: return .double(Double(bitPattern: generator.next()))
    case 4: return .double(rareDoubles.randomElement(using: &generator) ?? 0)
    case 5: return .string(rareTexts.randomElement(using: &generator) ?? "")
    case 6: return .bytes((0..<generator.next() % 20).map { _ in UInt8(generator.next() % 256) })
    case 7:
      return .array(
        (0..<generator.next() % 5).map { _ in random(depth: depth + 1, using: &generator) })
    default:
      return .object(
        Object(
          (0..<generator.next() % 12).map { _ in
            let name = rareTexts.randomElement(using: &generator) ?? ""
            return (name, random(depth: depth + 1, using: &generator))
          }))
    }
  }

  private static let rareDoubles: [Double] = [
    0, -0.0, .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e21,
    1e-7, 0.1, 9_007_199_254_740_994, 1e22, 1, -1,
  ]

  private static let rareTexts = [
    "", " ", "a", "A", "é", "e\u{301}", "\u{0}", "\u{10FFFF}", "\u{FFFF}", "😀", "\"\\/\n\t\u{7F}",
    "$bytes", "$f64", "$$", "$$bytes", "$ref", "null", "NaN",
    String(repeating: "long ", count: 200),
    "\u{2028}", "'; DROP TABLE kv; --", "%s%d", "ﷺ",
  ]
}

extension [ListedKey] {
  /// The keys alone.
  var keys: [String] { map(\.key) }
}
