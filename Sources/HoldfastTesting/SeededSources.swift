public import HoldfastCore
import NIOConcurrencyHelpers

/// A generator that gives the same numbers for the same seed, on every machine.
///
/// It is SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014. Print the seed when a test fails, and the run can be repeated.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator.
  ///
  /// - Parameter seed: Decides every number to come.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  ///
  /// - Returns: 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Identifiers and chance that are the same in every run with the same seed.
///
/// Identifiers are UUIDs of version 7 and never come twice: a counter stands where the
/// specification allows one, so those of one millisecond are in the order in which they were made.
public final class SeededIDSource: IDSource {
  private let state: NIOLockedValueBox<(generator: SeededGenerator, made: UInt64)>

  /// Makes a source.
  ///
  /// - Parameter seed: Decides all that is to come.
  public init(seed: UInt64) {
    state = NIOLockedValueBox((SeededGenerator(seed: seed), 0))
  }

  /// A new identifier.
  ///
  /// - Parameter now: The time that goes into the identifier.
  /// - Returns: Thirty-six characters, lower case.
  public func makeID(at now: Instant) -> String {
    state.withLockedValue { state in
      let number = state.made
      state.made += 1
      let low = (number & 0x3FFF_FFFF) << 32 | state.generator.next() >> 32
      return UUIDv7.text(
        milliseconds: now.microseconds / 1_000, high: number >> 30, low: low)
    }
  }

  /// A number drawn evenly from a range.
  ///
  /// - Parameter range: The bounds, both included.
  /// - Returns: The number.
  public func random(in range: ClosedRange<Int64>) -> Int64 {
    state.withLockedValue { Int64.random(in: range, using: &$0.generator) }
  }
}
