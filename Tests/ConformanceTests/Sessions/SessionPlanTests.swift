import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

@Suite(.timeLimit(.minutes(5))) struct SessionPlanTests {
  /// Goal: every list, look-up and sweep of sessions, items and threads is served by an index.
  ///
  /// Method: asks both databases how they would go about each statement.
  @Test(arguments: Engines.available)
  func `an index stands behind every statement of sessions`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let place: [Bound] = [.integer(5), .integer(5), .integer(1)]
      let lists: [(Statement, Int?)] = [
        (SessionSQL.listByTime, nil), (SessionSQL.listByRun, 0), (SessionSQL.listByChannel, 1),
        (SessionSQL.listByUser, 2),
      ]
      for (list, lead) in lists {
        var filters = [Bound](repeating: .null, count: 3)
        if let lead { filters[lead] = .text("x") }
        try await expectIndexed(list, place + filters + [.integer(10)], on: store)
      }
      let names: [Bound] = [.text("c"), .text("t")]
      let number = Bound.integer(1)
      let others: [(Statement, [Bound])] = [
        (SessionSQL.get, [.text("s")]), (SessionSQL.ofThread, names + [.integer(1)]),
        (SessionSQL.numbersOfRun, [.text("r")]), (SessionSQL.deleteOfRun, [.text("r")]),
        (SessionSQL.deleteIdle, [number, .integer(10)]),
        (SessionSQL.items, [number, number, .integer(10)]),
        (SessionSQL.positionFromEnd, [number, number, .integer(10)]),
        (SessionSQL.pop, [number, number]), (ThreadSQL.get, names), (ThreadSQL.delete, names),
        (ThreadSQL.list, names + [.integer(10)]),
        (ThreadSQL.listOfChannel, names + [.integer(10)]),
        (ThreadSQL.idle, [number] + names + [.integer(9), .integer(10)]),
      ]
      for (statement, bindings) in others {
        try await expectIndexed(statement, bindings, on: store)
      }
    }
  }

  /// Goal: every list, look-up and sweep of dead letters is served by an index.
  ///
  /// Method: the same.
  @Test(arguments: Engines.available)
  func `an index stands behind every statement of dead letters`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let place: [Bound] = [.integer(5), .integer(5), .integer(1)]
      let lists: [(Statement, [Int])] = [
        (DeadLetterSQL.listByTime, []), (DeadLetterSQL.listByStatus, [0]),
        (DeadLetterSQL.listBySource, [1]), (DeadLetterSQL.listOfTasks, [1]),
        (DeadLetterSQL.listByRun, [0, 2]),
      ]
      for (list, leads) in lists {
        var filters = [Bound](repeating: .null, count: 3)
        for lead in leads { filters[lead] = .text("x") }
        try await expectIndexed(list, place + filters + [.integer(10)], on: store)
      }
      let others: [(Statement, [Bound])] = [
        (DeadLetterSQL.get, [.text("l")]),
        (DeadLetterSQL.unresolved, [.text("task:1"), .text("r"), .text("{}")]),
        (DeadLetterSQL.retryable, [.integer(10), .integer(0), .integer(0)]),
        (DeadLetterSQL.removeOfRun, [.text("r")]),
        (DeadLetterSQL.removeResolved, [.integer(9), .integer(10)]),
      ]
      for (statement, bindings) in others {
        try await expectIndexed(statement, bindings, on: store)
      }
    }
  }
}
