package import HoldfastCore

/// What one worker wants to claim.
package struct ClaimOrder: Sendable {
  /// The queues to look in; each once, in the order of names.
  let queues: [String]
  /// At most so many tasks.
  let limit: Int
  /// How long the worker may work without a heartbeat.
  let lease: Duration
  /// The worker's name.
  let owner: String
  /// Whether the worker may have what is in a namespace; `nil` for all of it.
  let reaches: (@Sendable (Namespace) -> Bool)?

  /// Looks a wish through.
  ///
  /// - Parameters:
  ///   - queues: The queues to look in.
  ///   - limit: At most so many tasks.
  ///   - lease: How long the worker may work without a heartbeat; the default if left out.
  ///   - owner: The worker's name; the store's actor if left out.
  ///   - reaches: Whether the worker may have what is in a namespace; `nil` for all of it. Of a
  ///     queue 20 000 due tasks are looked at: behind more that it may not have it gets none.
  ///   - context: The store's limits and defaults.
  /// - Throws: `invalid` for what cannot be.
  package init(
    _ queues: [String], limit: Int, lease: Duration?, owner: String?,
    reaches: (@Sendable (Namespace) -> Bool)? = nil, _ context: StoreContext
  ) throws(StoreError) {
    let limits = context.limits
    guard (1...limits.claimQueuesMax).contains(queues.count) else {
      throw TaskChecks.failure(
        "queues", "A claim looks in 1 to \(limits.claimQueuesMax) queues.",
        hint: "Name the queues to look in.")
    }
    for queue in queues { try Checks.id(queue, "queue", limits) }
    guard (1...limits.claimTasksMax).contains(limit) else {
      throw TaskChecks.failure(
        "limit", "A claim takes from 1 to \(limits.claimTasksMax) tasks.",
        hint: "Claim so many at once.")
    }
    let lease = lease ?? context.tasks.lease
    try TaskChecks.lease(lease, limits)
    let owner = owner ?? context.actor
    try Checks.id(owner, "owner", limits)
    self.queues = Set(queues.map(Bytewise.init)).sorted().map(\.text)
    self.limit = limit
    self.lease = lease
    self.owner = owner
    self.reaches = reaches
  }

  /// Whoever claims from the same queues, byte by byte, can share a transaction.
  var line: [Bytewise] { queues.map(Bytewise.init) }

  /// The rows at which those meet who claim from the same queues.
  var hotRows: [Int64] { queues.map { HotRow.number("queue", $0) } }
}
