public import HoldfastCore
import HoldfastEngine

/// Waiting for a decision.
extension Approvals {
  private static let wait = Operation("approvals.wait", isWrite: false)

  /// Waits until an approval is decided, on whatever node, or its time is over.
  ///
  /// It stands on the change feed, so that a decision that came before the call or comes during it
  /// is never missed, and nothing is asked for meanwhile. A caller that died waits again after its
  /// restart.
  ///
  /// **Cancellation.** The approval is returned as it was seen last. **Cost.** A read at the
  /// beginning, and one for each event of this approval.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - limit: How long to wait at most; zero or less only looks.
  /// - Returns: The approval as it stands: still pending where nobody decided in that time.
  /// - Throws: ``StoreError`` with `not_found`, also for one that is deleted meanwhile, `invalid`,
  ///   `unavailable`, `closed`.
  public func wait(_ id: String, atMost limit: Duration) async throws(StoreError) -> Approval {
    let time = store.context.time
    let end = time.monotonicTime() + limit
    return try await store.observed(Self.wait) {
      while true {
        do {
          return try await settled(id, before: end)
        } catch StoreError.Code.trimmed {
          // The history was cut or replaced under the watch: it begins anew with what is there.
          continue
        }
      }
    }
  }

  /// First the cursor, then the read, then the watch from it: nothing falls between them.
  private func settled(_ id: String, before end: Duration) async throws -> Approval {
    let time = store.context.time
    let cursor = try await store.changes.cursor()
    var isOver = time.monotonicTime() >= end
    var (approval, expiry) = try await look(id)
    let filter = ChangeFilter(namespace: approval.namespace)
    let iterator = store.changes(since: cursor, filter: filter).makeAsyncIterator()
    while approval.status == .pending, !isOver, !Task.isCancelled {
      let left = min(end, expiry) - time.monotonicTime()
      let changes = left > .zero ? try await iterator.batch(waitingAtMost: left) : []
      // An empty batch says that time is over, the wait's or the approval's: then a last look says
      // how it stands. Events of others leave both ends where they are.
      guard changes.isEmpty || changes.contains(where: { Self.concerns(id, $0) }) else { continue }
      isOver = time.monotonicTime() >= end
      (approval, expiry) = try await look(id)
    }
    return approval
  }

  /// Whether a change may have to do with an approval: its own, or the end of its run.
  private static func concerns(_ id: String, _ change: Change) -> Bool {
    if change.kind == "run" { return change.operation == "delete" }
    return change.kind == "approval" && change.subject?.utf8.elementsEqual(id.utf8) == true
  }

  /// An approval as it stands, and when on the clock that no leap moves its time is over.
  private func look(_ id: String) async throws -> (approval: Approval, expiry: Duration) {
    let start = store.context.time.monotonicTime()
    let (approval, now) = try await store.readBody(.point) { tx in try tx.approvals.look(id) }
    return (approval, start + (approval.expiresAt - now))
  }
}

extension ApprovalsTransaction {
  /// An approval, with the store's time at which it stands so.
  fileprivate func look(_ id: String) throws(StoreError) -> (approval: Approval, now: Instant) {
    try Checks.id(id, "approval id", limits)
    guard let row = try find(id, transaction.reading()) else { throw Self.missing(id) }
    return (row.approval, row.now)
  }
}
