import HoldfastCore
import Testing

@Suite struct JSONPropertyTests {
  /// Goal: every value survives its text.
  ///
  /// Method: random values, in the compact and the pretty form.
  @Test func `every value survives its text`() throws {
    let seed: UInt64 = 0x5EED_0002
    var generator = SplitMix64(seed: seed)
    for round in 0..<10_000 {
      let value = Value.random(using: &generator)
      #expect(
        try Value(json: value.jsonBytes).isIdentical(to: value), "seed \(seed), round \(round)")
      #expect(
        try Value(json: value.jsonPretty).isIdentical(to: value), "seed \(seed), round \(round)")
      #expect(try value.json(within: Limits()) == value.json, "seed \(seed), round \(round)")
    }
  }

  /// Goal: every finite double has a text of at most seventeen digits that reads back as it.
  ///
  /// Method: random bit patterns.
  @Test func `every double survives its text`() throws {
    let seed: UInt64 = 0x5EED_0003
    var generator = SplitMix64(seed: seed)
    for _ in 0..<50_000 {
      let double = Double(bitPattern: generator.next())
      guard double.isFinite else { continue }
      let text = Value.double(double).json
      #expect(try Value(json: text).doubleValue == double, "seed \(seed), \(text)")
    }
  }

  /// Goal: no text crashes the parser, and a refusal says why.
  ///
  /// Method: a hundred thousand valid texts with some bytes changed, removed, doubled or put in.
  /// What is still accepted must survive being written; all else is `invalid` or `too_large`.
  @Test func `garbage is refused and never crashes`() throws {
    let seed: UInt64 = 0x5EED_0004
    var generator = SplitMix64(seed: seed)
    var limits = Limits()
    limits.stringBytesMax = 100
    limits.valueBytesMax = 400
    limits.nestingMax = 6
    var accepted = 0
    var text: [UInt8] = []
    for round in 0..<100_000 {
      if round % 10 == 0 { text = Value.random(using: &generator).jsonBytes }
      let broken = mutate(text, using: &generator)
      do throws(StoreError) {
        let value = try Value(json: broken, limits: limits)
        accepted += 1
        #expect(
          try Value(json: value.jsonBytes).isIdentical(to: value), "seed \(seed), round \(round)")
      } catch {
        #expect([.invalid, .tooLarge].contains(error.code), "seed \(seed), round \(round)")
        let offset = try #require(error.details["offset"]?.integerValue)
        #expect((0...Int64(broken.count)).contains(offset), "seed \(seed), round \(round)")
      }
    }
    #expect(accepted > 1_000 && accepted < 99_000)
  }

  private func mutate(_ text: [UInt8], using generator: inout SplitMix64) -> [UInt8] {
    var text = text
    let telling =
      Array(#"{}[]",:\u0123456789abcdefd8.eE+-$nultrs"#.utf8) + [0, 0x1F, 0x80, 0xC3, 0xFF]
    for _ in 0...generator.next() % 3 {
      let byte =
        generator.next() % 4 == 0
        ? UInt8(generator.next() % 256) : telling.randomElement(using: &generator) ?? 0
      let place = text.isEmpty ? 0 : Int(generator.next() % UInt64(text.count))
      switch generator.next() % 5 {
      case 0 where !text.isEmpty: text[place] = byte
      case 1 where !text.isEmpty: text.remove(at: place)
      case 2 where !text.isEmpty: text.insert(contentsOf: text[place...].prefix(9), at: place)
      case 3 where generator.next() % 8 == 0: text.removeSubrange(place...)
      default: text.insert(byte, at: place)
      }
    }
    return text
  }
}
