import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

/// No list, sweep or look of approvals goes through a table.
@Suite(.timeLimit(.minutes(5))) struct ApprovalPlanTests {
  private static let place: [Bound] = [.integer(.max), .integer(.max), .integer(.min)]

  /// Goal: every list of approvals is served by an index, for every filter that leads to it.
  ///
  /// Method: the plan of each statement with what the operation binds.
  @Test(arguments: Engines.available)
  func `lists of approvals are served by indexes`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let limit = Bound.integer(101)
      func filters(
        _ status: String? = nil, caller: String? = nil, task: String? = nil, run: String? = nil
      ) -> [Bound] {
        Self.place + [Bound(status), Bound(caller), Bound(task), Bound(run), limit]
      }
      let lists: [(Statement, [Bound])] = [
        (ApprovalListSQL.byTime, filters()), (ApprovalListSQL.byStatus, filters("pending")),
        (ApprovalListSQL.byStatus, filters("approved")),
        (ApprovalListSQL.undecided, filters("expired")),
        (ApprovalListSQL.byCaller, filters(caller: "c")),
        (ApprovalListSQL.byCaller, filters("pending", caller: "c")),
        (ApprovalListSQL.byTask, filters(task: "t")),
        (ApprovalListSQL.byTask, filters("pending", caller: "c", task: "t", run: "r")),
        (ApprovalListSQL.byRun, filters(run: "r")),
        (ApprovalListSQL.byRun, filters("expired", caller: "c", run: "r")),
        (ApprovalListSQL.aged, [.integer(.min), .integer(.min), .integer(60_000_000), limit]),
      ]
      for (statement, bindings) in lists {
        try await expectIndexed(statement, bindings, on: test.store)
      }
    }
  }

  /// Goal: sweeps, looks and the lists of policies and grants are served by indexes too.
  ///
  /// Method: the plan of each statement with what the operation binds.
  @Test(arguments: Engines.available)
  func `sweeps and looks are served by indexes`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let start: [Bound] = [.integer(0), .integer(.max), .integer(0)]
      let limit = Bound.integer(101)
      let statements: [(Statement, [Bound])] = [
        (ApprovalSQL.get, [.text("a")]), (ApprovalSQL.due, [limit]),
        (ApprovalSQL.ruling, [.text("p"), .text("t")]),
        (ApprovalSQL.isUndecided, [.text("r")]), (ApprovalSQL.deleteOfRun, [.text("r")]),
        (GrantSQL.get, [.text("g")]), (GrantSQL.live, [.text("p"), .text("t")]),
        (ApprovalSQL.awaited, [.text("t")]), (GrantSQL.deleteOfRun, [.text("r")]),
        (GrantSQL.listByExpiry, start + [.null, .null, limit]),
        (GrantSQL.listByPermission, start + [.text("p"), .null, limit]),
        (GrantSQL.listByTask, start + [.text("p"), .text("t"), limit]),
        (PolicySQL.get, [.text("p")]), (PolicySQL.list, [.text(""), limit]),
        (PolicySQL.grantingTerm, [.text("p")]),
      ]
      for (statement, bindings) in statements {
        try await expectIndexed(statement, bindings, on: test.store)
      }
    }
  }
}
