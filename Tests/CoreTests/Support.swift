import HoldfastCore
import Testing

/// A generator that gives the same numbers for the same seed (Steele, Lea and Flood 2014).
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The error that a call throws, and nothing but a `StoreError`.
func refusal<Result>(_ body: () throws -> Result) -> StoreError? {
  do {
    _ = try body()
    return nil
  } catch let error as StoreError {
    return error
  } catch {
    Issue.record("not a StoreError: \(type(of: error))")
    return nil
  }
}

/// The `reason` in the details of the error that a call throws.
func reason<Result>(_ body: () throws -> Result) -> String? {
  refusal(body)?.details["reason"]?.stringValue
}

extension Value {
  /// Whether two values are the same, NaN being NaN and the sign of a zero counting.
  func isIdentical(to other: Value) -> Bool {
    switch (self, other) {
    case (.double(let one), .double(let two)):
      (one.isNaN && two.isNaN) || (one == two && one.sign == two.sign)
    case (.array(let one), .array(let two)):
      one.count == two.count && zip(one, two).allSatisfy { $0.isIdentical(to: $1) }
    case (.object(let one), .object(let two)):
      one.count == two.count && one.allSatisfy { two[$0.name]?.isIdentical(to: $0.value) ?? false }
    default: self == other
    }
  }

  /// A value of any kind, with all that is rare in practice made frequent.
  static func random(depth: Int = 0, using generator: inout SplitMix64) -> Value {
    switch Int.random(in: 0..<(depth < 5 ? 9 : 7), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .integer(Int64(bitPattern: generator.next()) >> (generator.next() % 64))
    case 3: return .double(randomDouble(using: &generator))
    case 4, 5: return .string(randomText(using: &generator))
    case 6: return .bytes((0..<generator.next() % 20).map { _ in UInt8(generator.next() % 256) })
    case 7:
      return .array(
        (0..<generator.next() % 5).map { _ in random(depth: depth + 1, using: &generator) })
    default:
      // Past eight members an object keeps an index.
      let count = generator.next() % 4 == 0 ? 20 : generator.next() % 4
      return .object(
        Object(
          (0..<count).map { _ in
            (randomName(using: &generator), random(depth: depth + 1, using: &generator))
          }))
    }
  }

  private static func randomDouble(using generator: inout SplitMix64) -> Double {
    switch generator.next() % 4 {
    case 0:
      let rare: [Double] = [
        0, -0.0, .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        1e21,
        1e-7, 0.1, 9_007_199_254_740_994, 1e22, 1e23,
      ]
      return rare.randomElement(using: &generator) ?? 0
    case 1: return Double(Int64(bitPattern: generator.next()) >> 20)
    case 2: return Double(Int64(bitPattern: generator.next()) >> 30) / 1_000
    default: return Double(bitPattern: generator.next())
    }
  }

  private static func randomName(using generator: inout SplitMix64) -> String {
    let names = ["$bytes", "$f64", "$$", "$$bytes", "$ref", "", "a", "é", "e\u{301}", "\u{0}"]
    return generator.next() % 2 == 0
      ? names.randomElement(using: &generator) ?? "" : randomText(using: &generator)
  }

  static func randomText(using generator: inout SplitMix64) -> String {
    var text = ""
    for _ in 0..<generator.next() % 24 {
      let ceiling: UInt32 =
        switch generator.next() % 8 {
        case 0: 0x20
        case 1: 0x800
        case 2: 0x1_0000
        case 3: 0x11_0000
        default: 0x80
        }
      let scalar = Unicode.Scalar(UInt32.random(in: 0..<ceiling, using: &generator))
      text.unicodeScalars.append(scalar ?? "\\")
    }
    return text
  }
}
