import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ApprovalListTests {
  /// Goal: approvals are listed by status, caller, task, run and time, the newest first, in pages.
  ///
  /// Method: approvals of every kind, several in one microsecond, some expired and not noted; every
  /// query against a filter over an array, in pages of every size.
  @Test(arguments: Engines.available)
  func `approvals are listed by every filter`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      let tasks = try await [test.store.makeTask(run: "r1"), test.store.makeTask(run: nil)]
      var ids: [String] = []
      for number in 0..<24 {
        if number % 3 == 0 { time.advance(by: .seconds(1)) }
        let task = number % 6 == 5 ? tasks[number % 4 / 2] : nil
        let request = ApprovalRequest(
          "a", caller: number % 2 == 0 ? "even" : nil, task: task,
          run: task == nil && number % 4 == 0 ? "r1" : nil,
          ttl: .seconds(number % 5 == 4 ? 1 : 3_600), id: "approval \(number)")
        let asked = try await approvals.request(request)
        ids.insert(asked.id, at: 0)
        switch number % 7 {
        case 1, 2: try await approvals.decide(asked.id, .approve)
        case 3: try await approvals.decide(asked.id, .deny)
        default: break
        }
        if number % 7 == 2 { try await approvals.consume(asked.id, asked.scope) }
        if number == 10 {
          _ = try await test.store.transaction { try $0.approvals.expireDue(limit: 9) }
        }
      }
      time.advance(by: .seconds(2))
      var all: [Approval] = []
      for id in ids { all.append(try #require(try await approvals.get(id))) }
      for status in ApprovalStatus.allCases {
        #expect(all.contains { $0.status == status }, "\(status)")
      }
      let middle = all[12].requestedAt
      let statuses: [ApprovalStatus?] = [nil] + ApprovalStatus.allCases
      var queries: [ApprovalQuery] = []
      for status in statuses {
        queries += [
          ApprovalQuery(status: status), ApprovalQuery(status: status, caller: "even"),
          ApprovalQuery(status: status, task: tasks[0]),
          ApprovalQuery(status: status, task: tasks[1], run: "r1"),
          ApprovalQuery(status: status, run: "r1"),
          ApprovalQuery(status: status, caller: "even", run: "r1"),
          ApprovalQuery(status: status, caller: "even", task: tasks[0], run: "r1"),
          ApprovalQuery(status: status, since: middle),
          ApprovalQuery(status: status, caller: "even", until: middle),
          ApprovalQuery(status: status, run: "r1", since: middle, until: middle + .seconds(2)),
        ]
      }
      queries += [ApprovalQuery(caller: "nobody"), ApprovalQuery(since: middle, until: middle)]
      for query in queries {
        let expected = all.filter { query.matches($0) }
        for limit in [1, 5, 1_000] {
          var query = query
          query.limit = limit
          var listed: [Approval] = []
          repeat {
            let page = try await approvals.list(query)
            #expect(page.items.count <= limit)
            listed += page.items
            query.after = page.next
          } while query.after != nil
          #expect(listed == expected, "\(query)")
        }
      }
    }
  }

  /// Goal: a page of large approvals ends early, and holds at least one.
  ///
  /// Method: approvals of 1 MiB under a bound of 2 MiB.
  @Test(arguments: Engines.available)
  func `a page of large approvals ends early`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 2 << 20
    try await withStore(on: engine, options: options) { test in
      let approvals = test.store.approvals
      for number in 0..<5 {
        let text = String(repeating: "x", count: number == 4 ? 3 << 20 : 1 << 20)
        try await approvals.request(
          ApprovalRequest("a", parameters: ["text": .string(text)], id: "\(number)"))
      }
      var pages: [[String]] = []
      var query = ApprovalQuery()
      repeat {
        let page = try await approvals.list(query)
        pages.append(page.items.map(\.id))
        query.after = page.next
      } while query.after != nil
      #expect(pages == [["4"], ["3", "2"], ["1", "0"]])
    }
  }

  /// Goal: health counts approvals, policies and grants.
  ///
  /// Method: some of each.
  @Test(arguments: Engines.available)
  func `health counts approvals`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.policies.set("p", .autoApprove)
      let task = try await test.store.makeTask()
      try await test.store.approvals.request(ApprovalRequest("a"))
      try await test.store.approvals.request(ApprovalRequest("p", task: task))
      let rows = try await test.store.health().rows
      #expect(rows["approvals"] == 2 && rows["approval_policies"] == 1 && rows["grants"] == 1)
    }
  }
}

extension ApprovalQuery {
  /// Whether an approval belongs into the list, said in the plainest way.
  func matches(_ approval: Approval) -> Bool {
    (status.map { $0 == approval.status } ?? true)
      && (caller.map { $0 == approval.caller } ?? true)
      && (task.map { $0 == approval.task } ?? true) && (run.map { $0 == approval.run } ?? true)
      && (since.map { approval.requestedAt >= $0 } ?? true)
      && (until.map { approval.requestedAt < $0 } ?? true)
  }
}
