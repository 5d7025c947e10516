import Holdfast
import HoldfastTesting
import Testing

/// Random operations on one primitive of a store and on a plain model of it.
///
/// The same seed, clock and identifiers give the same operations, so that a walk can be walked
/// again: by a process that is killed, and by the one that must know what the killed one did.
/// What is one step to the model is one transaction to the store, or nothing that could be seen in
/// between.
protocol Walk: Sendable {
  /// The store that the operations go to; a test may put another one that holds the same.
  var store: Store { get set }

  /// Begins where nothing is.
  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) async throws

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String

  /// Compares everything that the store shows with the model.
  mutating func compare(_ doing: Comment) async throws

  /// Takes leave of what only the process knew that wrote to the store, when that was killed.
  mutating func forget() async throws
}

extension Walk {
  /// Nothing: most of what a process knows is in the store.
  mutating func forget() {}

  /// Walks, comparing after each step.
  ///
  /// - Parameters:
  ///   - rounds: How many steps.
  ///   - test: The store's owner, who can close it and open it again.
  ///   - seed: What the walk began with, for the message of a failure.
  ///   - reopens: Before which steps the store is closed and opened again.
  mutating func go(
    _ rounds: Int, on test: TestStore, seed: UInt64, reopening reopens: (Int) -> Bool
  ) async throws {
    for round in 0..<rounds {
      if reopens(round) { store = try await test.restart() }
      let done = try await step()
      try await compare("seed \(seed), round \(round): \(done)")
      if Task.isCancelled { break }
    }
  }
}

extension SeededGenerator {
  /// One of several things.
  mutating func pick<Item>(_ items: [Item]) -> Item {
    items[Int(next() % UInt64(items.count))]
  }
}
