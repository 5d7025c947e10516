public import Holdfast
import HoldfastEngine
import NIOConcurrencyHelpers

/// Makes a store's database fail where a test wants it to.
///
/// ```swift
/// let faults = FaultInjection()
/// var options = StoreOptions.testing()
/// options.inject(faults)
/// …
/// faults.fail(.statement, after: 2, with: StoreError(.unavailable, "The connection is gone."))
/// ```
public final class FaultInjection: Sendable {
  /// Where a fault can be put.
  public enum Point: String, Sendable, CaseIterable {
    /// Before a statement runs.
    case statement
    /// After the bodies of a transaction ran, before its COMMIT.
    ///
    /// The error stands for the COMMIT's. On PostgreSQL it comes as it is: the server says for
    /// certain that nothing was kept. On SQLite each body runs once more by itself, and only where
    /// that fails too does the caller get an error: `uncertain`, because a COMMIT that failed while
    /// it was flushed may be there after the next opening.
    case beforeCommit
    /// After a COMMIT, before anybody is told.
    case afterCommit
    /// Before a checkpoint begins (SQLite).
    case beforeCheckpoint
    /// After a checkpoint ended (SQLite).
    case afterCheckpoint
    /// Inside a migration, before its COMMIT.
    case migration
  }

  private struct Fault {
    let point: Point
    var passes: Int
    var failures: Int
    let error: StoreError
  }

  private struct State {
    var faults: [Fault] = []
    var visits: [Point: Int] = [:]
  }

  private let state = NIOLockedValueBox(State())

  /// Makes an injection that lets everything pass.
  public init() {}

  /// Lets a point fail.
  ///
  /// - Parameters:
  ///   - point: Where.
  ///   - passes: How many visits pass before.
  ///   - failures: How many visits fail then.
  ///   - error: With what.
  public func fail(
    _ point: Point, after passes: Int = 0, times failures: Int = 1, with error: StoreError
  ) {
    state.withLockedValue {
      $0.faults.append(Fault(point: point, passes: passes, failures: failures, error: error))
    }
  }

  /// Lets everything pass again.
  public func clear() { state.withLockedValue { $0.faults = [] } }

  /// How often a point was passed or failed at.
  ///
  /// - Parameter point: The point.
  /// - Returns: The number of visits so far.
  public func visits(of point: Point) -> Int { state.withLockedValue { $0.visits[point] ?? 0 } }

  /// Notes a visit, and fails where a fault is due.
  func visit(_ point: Point) throws(StoreError) {
    let error: StoreError? = state.withLockedValue { state in
      state.visits[point, default: 0] += 1
      for place in state.faults.indices where state.faults[place].point == point {
        if state.faults[place].passes > 0 {
          state.faults[place].passes -= 1
        } else if state.faults[place].failures > 0 {
          state.faults[place].failures -= 1
          return state.faults[place].error
        }
      }
      return nil
    }
    if let error { throw error }
  }
}

extension StoreOptions {
  /// Lets a store's database fail where the injection says.
  ///
  /// - Parameter faults: What fails, and when; it may be changed while the store is open.
  public mutating func inject(_ faults: FaultInjection) {
    probe = { (point: ProbePoint) throws(StoreError) in
      guard let point = FaultInjection.Point(rawValue: point.rawValue) else { return }
      try faults.visit(point)
    }
  }
}
