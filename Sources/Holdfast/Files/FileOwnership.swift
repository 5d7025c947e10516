import HoldfastCore
import HoldfastEngine

/// The files of a run or a bot, when it goes.
enum FileOwnership {
  /// Takes the names away at once; versions and chunks follow in slices.
  ///
  /// The numbers of a deleted run's names are forgotten, since nobody writes there again; those of
  /// a bot's go on.
  static let part = OwnedPart { transaction, owner throws(StoreError) in
    let connection = try transaction.reading()
    let namespace: [Bound] = [.text(owner.text)]
    let numbers = owner.runID == nil ? FileSQL.keepNumbers : FileSQL.forgetNumbers
    let done = try connection.run([
      Step(numbers, namespace), Step(FileSQL.deleteAll, namespace),
    ])
    // Numbers that are forgotten count too: they are all that is left of deleted files.
    return done[1].changes + (owner.runID == nil ? 0 : done[0].changes)
  }
}
