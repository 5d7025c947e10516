/// How many events there were, and which, whatever their order: two tallies are equal when they
/// were made of the same events, each as often.
package struct Tally: Sendable, Equatable {
  /// The number of events.
  package private(set) var count = 0
  /// The sum of their hashes.
  package private(set) var sum: UInt64 = 0

  package init() {}

  /// Puts a tally together from what a child reported.
  ///
  /// - Parameters:
  ///   - count: The number of events.
  ///   - sum: The sum of their hashes.
  package init(count: Int, sum: UInt64) {
    self.count = count
    self.sum = sum
  }

  /// Adds one event: FNV-1a over what names it (Fowler, Noll, Vo; 64 bits).
  ///
  /// - Parameters:
  ///   - operation: What happened.
  ///   - namespace: Where.
  ///   - key: To which key.
  ///   - version: In which revision.
  package mutating func add(
    _ operation: String, _ namespace: String, _ key: String, _ version: Int64
  ) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(operation) \(namespace) \(key) \(version)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    // The sum of plain FNV hashes of near-equal texts is not spread well enough.
    hash = (hash ^ (hash >> 29)) &* 0xbf58_476d_1ce4_e5b9
    count += 1
    sum &+= hash
  }

  /// Adds another tally.
  ///
  /// - Parameter other: The other.
  package mutating func add(_ other: Tally) {
    count += other.count
    sum &+= other.sum
  }
}

/// Chance that can be had again: SplitMix64 (Steele, Lea, Flood) from a seed.
package struct SeededChance: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Begins a sequence.
  ///
  /// - Parameter seed: The same seed gives the same sequence.
  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
