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
}
