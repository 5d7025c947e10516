#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import HoldfastCore
import Testing

@Suite struct ForeignCoderTests {
  /// Goal: a value is `Codable` for other coders too, in the form of its JSON.
  ///
  /// Method: through Foundation's coder, which makes no difference between 1 and 1.0; that alone is
  /// lost.
  @Test(
    arguments: [
      nil, true, 5, .integer(.min), .integer(.max), 0.5, "é", [], [:], [1, nil, [false]],
      .bytes([0, 255]),
      .double(.infinity), .double(-.infinity), .double(.nan), .double(-0.0),
      ["a": .bytes([]), "b": ["c": nil]],
      ["$bytes": 5], ["$$": ["$f64": "NaN"]], ["$ref": 1], ["$bytes": 1, "$f64": 2],
    ] as [Value])
  func `a value goes through another coder`(value: Value) throws {
    let data = try JSONEncoder().encode([value])
    #expect(try Value(json: data).arrayValue?[0].isIdentical(to: value) == true)
    let back = try JSONDecoder().decode([Value].self, from: data)
    #expect(back[0].isIdentical(to: value))
  }

  /// Goal: what another coder gives is exact or refused.
  ///
  /// Method: numbers past 63 bits, broken `$` forms, and an object where none is.
  @Test func `another coder's values are exact or refused`() throws {
    func decode(_ text: String) throws -> Value {
      try JSONDecoder().decode([Value].self, from: Data(text.utf8))[0]
    }
    #expect(try decode("[9223372036854775808]") == .double(0x1p63))
    #expect(throws: DecodingError.self) { try decode("[9223372036854775809]") }
    #expect(try decode("[1.0]") == 1)
    #expect(try decode("[1.5]") == 1.5)
    #expect(throws: DecodingError.self) { try decode(#"[{"$bytes":5}]"#) }
    let objects = try JSONDecoder().decode(
      [Object].self, from: JSONEncoder().encode([["a": 1] as Object]))
    #expect(objects == [["a": 1]])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Object.self, from: Data("[]".utf8))
    }
  }

  /// Goal: dates and data of Foundation survive.
  ///
  /// Method: both through our coders, and an instant through Foundation's.
  @Test func `types of Foundation survive`() throws {
    let date = Date(timeIntervalSinceReferenceDate: 0.1)
    #expect(try ValueDecoder().decode(Date.self, from: ValueEncoder().encode(date)) == date)
    let data = Data([0, 1, 255])
    #expect(try ValueDecoder().decode(Data.self, from: ValueEncoder().encode(data)) == data)
    let instants = [Instant(microseconds: 5)]
    let text = try JSONEncoder().encode(instants)
    #expect(try JSONDecoder().decode([Instant].self, from: text) == instants)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Instant].self, from: Data(#"["now"]"#.utf8))
    }
  }
}
