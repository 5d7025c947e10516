package import HoldfastCore
import HoldfastEngine
import Logging
import NIOConcurrencyHelpers
public import ServiceLifecycle

/// Sweeps what is dead already, so that the feed says `expired` in time and the space comes back.
///
/// Of all processes and nodes that have the store open, one at a time does the work, by the row
/// `upkeep` of `leases`. An idle store is left alone: the loop sleeps until something expires or
/// somebody commits, and takes the lease only in a transaction that has something to do.
///
/// ``Store/open(_:options:)`` starts it; a program that wants it among its own services opens the
/// store with `runsUpkeep` off and runs this one.
public final class Upkeep: Service {
  private let store: Store
  private let owner: String
  private let wakeUp = WakeUp()
  private let schedule = NIOLockedValueBox(Schedule(due: .zero))
  private let namespaces = NIOLockedValueBox(NamespaceWalk())

  /// How far the namespaces were looked through.
  private struct NamespaceWalk {
    var sweeper = NamespaceSweeper()
    /// When it goes on, on the clock that no leap moves.
    var due = Duration.zero
  }

  /// When retention is due.
  private struct Schedule {
    /// On the clock that no leap moves.
    var due: Duration
    /// How often it failed in a row.
    var failures = 0
  }

  /// The shortest time between two looks.
  private static let pause = Duration.seconds(1)
  /// The longest.
  private static let pauseMax = Duration.seconds(60)
  private static let lease = Duration.seconds(10)
  /// How often retention runs, on whichever node.
  private static let retentionPause = Duration.seconds(3_600)
  /// How often a node looks through the namespaces.
  private static let namespacesPause = Duration.seconds(3_600)
  /// How soon retention is tried again when it failed.
  private static let retryPause = Duration.seconds(60)
  /// How many lost leases one slice takes back: a task whose attempts are spent takes several round
  /// trips, for its dead letter.
  private static let leasesMax = 20
  /// How many approvals one slice lets expire: each takes several round trips, and a slice must end
  /// within the time that a body has, over a slow network too.
  private static let approvalsMax = 20
  /// How many slices one pass sweeps before it looks after the rest: where keys expire without a
  /// pause there is always something to sweep.
  private static let slicesMax = 1_000
  /// Who acts, for the audit log.
  private static let actor = "upkeep"

  /// Makes the service.
  ///
  /// - Parameter store: The store to keep.
  public init(store: Store) {
    self.store = store
    self.owner = store.context.ids.makeID(at: store.context.time.wallTime())
  }

  /// Runs until the task is cancelled or its service group shuts down.
  public func run() async {
    let subscription = store.engine.subscribe { [wakeUp] in wakeUp.signal() }
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let next = await self.pass(slicesMax: Self.slicesMax)
        await self.rest(next)
      }
    }
    store.engine.unsubscribe(subscription)
  }

  /// Sweeps, gives space back, runs retention and looks for empty namespaces; none of them is held
  /// up by another that fails or has no end.
  ///
  /// - Parameter slicesMax: How many slices are swept at most.
  /// - Returns: How long nothing will be to do.
  package func pass(slicesMax: Int) async -> Duration {
    var failures: [UpkeepPart: StoreError] = [:]
    var slices = 0
    // What failed is begun anew soon. `observed` has logged the failure.
    var isSound = true
    do throws(StoreError) {
      while slices < slicesMax, !Task.isCancelled, try await sweepDue(&failures) > 0 { slices += 1 }
    } catch { isSound = false }
    do throws(StoreError) { try await store.engine.maintain() } catch { isSound = false }
    do throws(StoreError) { try await retain() } catch { isSound = false }
    var isLookedThrough = true
    do throws(StoreError) { isLookedThrough = try await retireNamespaces() } catch {
      isSound = false
    }
    guard isSound, isLookedThrough, failures.isEmpty, slices < slicesMax,
      let next = try? await store.engine.read(Step(UpkeepSQL.nextDue))
    else { return Self.pause }
    let microseconds = next.rows.first?.first?.integer
    return microseconds.map { .microseconds(max(0, $0)) } ?? Self.pauseMax
  }

  /// One slice of work: a transaction for each part that is due.
  ///
  /// - Returns: How many rows it was about; 0 when nothing is left, or another owner does it.
  /// - Throws: What failed, where nothing else was done.
  package func slice() async throws(StoreError) -> Int {
    var failures: [UpkeepPart: StoreError] = [:]
    let done = try await sweepDue(&failures)
    if done == 0, let failure = failures.values.first { throw failure }
    return done
  }

  /// The same; a part that fails holds up no other.
  ///
  /// - Parameter failures: What failed before, and is left alone; what fails now is added.
  private func sweepDue(
    _ failures: inout [UpkeepPart: StoreError]
  ) async throws(StoreError) -> Int {
    let age = Bound.integer(FileSweeper.orphanAge.microseconds)
    let found = try await store.engine.read(Step(UpkeepSQL.due, [age])).rows.first ?? []
    var done = 0
    for (part, isDue) in zip(UpkeepPart.allCases, found)
    where isDue.integer == 1 && failures[part] == nil {
      do throws(StoreError) {
        done += try await sweep(part)
      } catch {
        failures[part] = error
      }
    }
    return done
  }

  private func sweep(_ part: UpkeepPart) async throws(StoreError) -> Int {
    try await store.observed(part.operation) {
      switch part {
      case .keys: try await sweepKeys()
      case .approvals:
        try await sweepRecords { tx in try tx.approvals.expireDue(limit: Self.approvalsMax) }
      case .leases:
        try await sweepRecords { tx in try tx.tasks.recoverExpired(limit: Self.leasesMax) }
      case .versions: try await sweepRecords { tx in try FileSweeper.removeVersions(in: tx) }
      case .chunks: try await sweepRecords { tx in try FileSweeper.collectChunks(in: tx) }
      }
    }
  }

  /// Removes dead keys: what decides by the rows that it deletes alone.
  private func sweepKeys() async throws -> Int {
    var options = store.writeOptions(.standard)
    options.isolation = .readCommitted
    let lease = lease
    return try await store.engine.write(options) { connection in
      guard try connection.run([lease])[0].changes == 1 else { return 0 }
      let expired = try KeySweeper.sweepExpired(on: connection)
      let cleared = try KeySweeper.sweepCleared(on: connection)
      return try expired + cleared + SessionSweeper.sweep(on: connection)
    }
  }

  /// Does what time has come for among the records of one part: what looks at a second table and so
  /// must be serializable.
  private func sweepRecords(
    _ slice: @escaping @Sendable (Transaction) throws -> Int
  ) async throws -> Int {
    var settings = WriteSettings.standard
    settings.owner = Self.actor
    let lease = lease
    return try await store.write(settings, hotRows: []) { tx in
      guard try tx.reading().run([lease])[0].changes == 1 else { return 0 }
      return try slice(tx)
    }
  }

  /// Has a page of namespaces looked at for those without keys, where this node has not been
  /// through all of them for an hour.
  ///
  /// - Returns: Whether nothing is left to look at for now.
  private func retireNamespaces() async throws(StoreError) -> Bool {
    let now = store.context.time.monotonicTime()
    var walk = namespaces.withLockedValue(\.self)
    guard now >= walk.due else { return true }
    var settings = WriteSettings.standard
    settings.owner = Self.actor
    walk.due = now + Self.retryPause
    defer { namespaces.withLockedValue { [walk] in $0 = walk } }
    let isOver = try await store.observed(Operation.upkeepNamespaces) {
      try await walk.sweeper.retirePage(in: store, settings)
    }
    walk.due = isOver ? now + Self.namespacesPause : now
    return isOver
  }

  /// Runs retention where no node has for an hour and something has to go.
  ///
  /// The row `retention` of `leases` keeps the others away for that hour; a store in which nothing
  /// is past its time is not written. A run that failed, in part or as a whole, is tried again
  /// after a minute, then after twice as long each time, up to an hour.
  ///
  /// - Returns: Whether it ran.
  @discardableResult
  package func retain() async throws(StoreError) -> Bool {
    let now = store.context.time.monotonicTime()
    guard now >= schedule.withLockedValue(\.due) else { return false }
    let report: RetentionReport?
    do throws(StoreError) {
      report = try await runRetention()
    } catch {
      try await retryRetention(after: now)
      throw error
    }
    guard report?.failures.isEmpty ?? true else {
      try await retryRetention(after: now)
      return true
    }
    schedule.withLockedValue { $0 = Schedule(due: now + Self.retentionPause) }
    return report != nil
  }

  /// Runs retention, unless another node has.
  ///
  /// - Returns: What went; `nil` where another node has run it, or nothing has to go.
  private func runRetention() async throws(StoreError) -> RetentionReport? {
    let retention = store.retention
    let kept = try await store.engine.read(Step(UpkeepSQL.retentionIsKept, [.text(owner)])).rows
    guard kept.isEmpty else { return nil }
    let dry = try await retention.run(dryRun: true)
    guard dry.total > 0 || !dry.failures.isEmpty else { return nil }
    let taken = try await store.engine.write(
      store.writeOptions(.standard), [retentionLease(Self.retentionPause)])
    guard taken[0].changes == 1 else { return nil }
    return try await retention.run(dryRun: false, actor: Self.actor, recordsNothing: false)
  }

  /// Lets retention run again soon, on this node or another.
  private func retryRetention(after now: Duration) async throws(StoreError) {
    let pause = schedule.withLockedValue { schedule in
      let pause = min(Self.retentionPause, Self.retryPause * (1 << min(schedule.failures, 10)))
      schedule = Schedule(due: now + pause, failures: schedule.failures + 1)
      return pause
    }
    // In a task of its own: the lease is given back also where upkeep ends at this moment.
    let (engine, options, lease) = (
      store.engine, store.writeOptions(.standard), retentionLease(pause)
    )
    let written = await Task { () -> Result<Void, StoreError> in
      do throws(StoreError) {
        _ = try await engine.write(options, [lease])
        return .success(())
      } catch {
        return .failure(error)
      }
    }.value
    try written.get()
  }

  private func retentionLease(_ duration: Duration) -> Step {
    lease("retention", for: duration)
  }

  private var lease: Step { lease("upkeep", for: Self.lease) }

  private func lease(_ name: String, for duration: Duration) -> Step {
    Step(UpkeepSQL.takeLease, [.text(name), .text(owner), .integer(duration.microseconds)])
  }

  /// Waits until there may be something to do: at least a pause, at most until the next expiry, and
  /// in between for a commit.
  private func rest(_ next: Duration) async {
    let time = store.context.time
    do {
      try await time.sleep(for: Self.pause)
      let left = min(next, Self.pauseMax) - Self.pause
      guard left > .zero else { return }
      await wakeUp.wait(atMost: left, time)
    } catch {
      // Cancelled: the loop ends.
    }
  }
}
