import HoldfastCore
import HoldfastEngine

/// What a primitive keeps under a run or a bot, and what becomes of it when that goes.
///
/// Each primitive offers one in its own folder; ``OwnedParts`` gathers them, so that the deletion
/// of a run knows nothing of what is under it.
struct OwnedPart: Sendable {
  /// Removes all that belongs to the owner, in the transaction of the owner's deletion.
  ///
  /// It enters no event of its own: the deletion's event reaches every watcher below the owner. It
  /// takes the transaction and the owner's namespace, `run:ID` or `bot:ID`, and gives the number of
  /// things that went.
  let remove: @Sendable (Transaction, Namespace) throws(StoreError) -> Int
  /// What keeps a run from being archived, such as an unfinished task: a few words, `nil` where
  /// nothing does.
  var blocksArchiving: (@Sendable (any Connection, _ run: String) throws(StoreError) -> String?)?
}

/// What all primitives keep under runs and bots.
enum OwnedParts {
  /// In the order in which they are removed.
  static let all: [OwnedPart] = [
    DeadLettersTransaction.owned,
    .tasks,
    ApprovalPart.part,
    SessionsTransaction.owned,
    FileOwnership.part,
  ]

  /// Removes all that belongs to a run or a bot.
  ///
  /// - Parameters:
  ///   - owner: Its namespace.
  ///   - transaction: The transaction of the deletion.
  /// - Returns: How many things went.
  /// - Throws: What the database says, as a ``StoreError``.
  static func remove(_ owner: Namespace, in transaction: Transaction) throws(StoreError) -> Int {
    var removed = 0
    for part in all { removed += try part.remove(transaction, owner) }
    return removed
  }

  /// Refuses to archive a run under which something is unfinished.
  ///
  /// - Parameters:
  ///   - run: The run's id.
  ///   - connection: The transaction's connection.
  /// - Throws: `invalid_state` that says what is unfinished.
  static func checkArchiving(_ run: String, on connection: any Connection) throws(StoreError) {
    guard let reason = try unfinished(run, on: connection) else { return }
    throw StoreError(
      .invalidState, "The run cannot be archived: \(reason).",
      hint: "Finish or cancel what is under the run first.", details: ["run": .string(run)])
  }

  /// What is unfinished under a run, in a few words.
  ///
  /// - Parameters:
  ///   - run: The run's id.
  ///   - connection: The transaction's connection.
  /// - Returns: The words; `nil` where nothing is.
  /// - Throws: What the database says, as a ``StoreError``.
  static func unfinished(
    _ run: String, on connection: any Connection
  ) throws(StoreError) -> String? {
    for part in all {
      if let reason = try part.blocksArchiving?(connection, run) { return reason }
    }
    return nil
  }
}

extension Namespace {
  /// The namespace that a record belongs to, and that decides who may see it: its run's, else its
  /// bot's, else `global`.
  ///
  /// - Parameters:
  ///   - run: The run that the record names.
  ///   - bot: The bot that the record names.
  /// - Returns: The namespace.
  package static func holding(run: String?, bot: String? = nil) -> Namespace {
    if let run { return .run(run) }
    if let bot { return .bot(bot) }
    return .global
  }
}
