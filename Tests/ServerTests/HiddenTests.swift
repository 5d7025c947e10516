import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

/// What those learn of the rest whose token reaches some namespaces only: nothing.
@Suite(.timeLimit(.minutes(5))) struct HiddenTests {
  private static let bothPatterns = [["run:mine", "run:mine:**", "bot:mine"], ["run:mine"]]

  /// The lists, and how many things of them the patterns show.
  private static let lists: [(pattern: String, path: String, count: [Int])] = [
    ("/v1/kv", "/v1/kv?", [2, 1]), ("/v1/kv", "/v1/kv?depth=1&", [2, 1]),
    ("/v1/kv", "/v1/kv?count=true&", [2, 1]),
    ("/v1/kv/{namespace}", "/v1/kv/run:mine?", [2, 2]),
    ("/v1/kv/{namespace}", "/v1/kv/run:mine?order=updated&", [2, 2]),
    ("/v1/runs", "/v1/runs?", [1, 1]), ("/v1/runs", "/v1/runs?tag=t&", [1, 1]),
    ("/v1/bots", "/v1/bots?", [1, 0]), ("/v1/sessions", "/v1/sessions?", [2, 2]),
    ("/v1/sessions", "/v1/sessions?channel=c&", [2, 2]),
    ("/v1/sessions/{id}/items", "/v1/sessions/mine1/items?", [2, 2]),
    ("/v1/threads", "/v1/threads?", [0, 0]), ("/v1/dead-letters", "/v1/dead-letters?", [2, 2]),
    ("/v1/dead-letters", "/v1/dead-letters?source=mail&", [2, 2]),
    ("/v1/audit", "/v1/audit?action=a&", [3, 2]),
    ("/v1/tasks", "/v1/tasks?", [2, 2]), ("/v1/tasks", "/v1/tasks?total=true&", [2, 2]),
    ("/v1/tasks", "/v1/tasks?queue=q&order=oldest&", [2, 2]),
    ("/v1/providers", "/v1/providers?", [0, 0]),
    ("/v1/files/{namespace}", "/v1/files/run:mine?", [2, 2]),
    ("/v1/files/{namespace}/{name}/versions", "/v1/files/run:mine/mine1/versions?", [1, 1]),
    ("/v1/approvals", "/v1/approvals?", [2, 2]),
    ("/v1/approvals", "/v1/approvals?status=approved&", [2, 2]),
    ("/v1/policies", "/v1/policies?", [0, 0]), ("/v1/grants", "/v1/grants?", [2, 2]),
  ]

  /// What is asked for by the name of a hidden thing.
  private static let singles = [
    ("/v1/kv/{namespace}/{key}", "/v1/kv/run:hidden/hidden1"),
    ("/v1/kv/{namespace}/{key}", "/v1/kv/run:mine/hidden1"),
    ("/v1/kv/{namespace}", "/v1/kv/run:hidden?count=true"),
    ("/v1/entry", "/v1/entry?namespace=run:hidden&key=hidden1"),
    ("/v1/runs/{id}", "/v1/runs/hidden"), ("/v1/bots/{id}", "/v1/bots/hidden"),
    ("/v1/sessions/{id}", "/v1/sessions/hidden1"),
    ("/v1/sessions/{id}/items", "/v1/sessions/hidden1/items"),
    ("/v1/threads/{channel}/{thread}", "/v1/threads/hidden/hidden"),
    ("/v1/dead-letters/{id}", "/v1/dead-letters/hidden1"), ("/v1/tasks/{id}", "/v1/tasks/hidden1"),
    ("/v1/tasks/{id}/steps", "/v1/tasks/hidden1/steps"),
    ("/v1/providers/{name}", "/v1/providers/hidden"),
    ("/v1/files/{namespace}", "/v1/files/run:hidden"),
    ("/v1/files/{namespace}/{name}", "/v1/files/run:hidden/hidden1"),
    ("/v1/files/{namespace}/{name}/metadata", "/v1/files/run:hidden/hidden1/metadata"),
    ("/v1/files/{namespace}/{name}/versions", "/v1/files/run:hidden/hidden1/versions"),
    ("/v1/files/{namespace}/{name}/diff", "/v1/files/run:hidden/hidden1/diff"),
    ("/v1/approvals/{id}", "/v1/approvals/hidden1"),
    ("/v1/approvals/{id}", "/v1/approvals/hidden1?wait=1m"),
    ("/v1/policies/{permission}", "/v1/policies/hidden"),
    ("/v1/changes", "/v1/changes?namespace=run:hidden&wait=0s"),
  ]

  /// Routes that have a test of their own below, or are closed to such a token.
  private static let others = [
    "/livez", "/readyz", "/v1/health", "/v1/tasks/stats", "/v1/changes", "/v1/grants/{id}",
    "/v1/audit/{id}", "/v1/audit/anchor", "/v1/audit/verify", "/v1/tokens", "/v1/tokens/{name}",
    "/v1/retention",
  ]

  @Test func `every read route is tried`() {
    let routes = Routes.all.filter { $0.method == .get }.map(\.pattern)
    let tried = Self.lists.map(\.pattern) + Self.singles.map(\.0) + Self.others
    #expect(Set(routes) == Set(tried))
  }

  /// Goal: a list shows and counts what the token reaches, and its cursors, pages and totals tell
  /// nothing of the rest.
  ///
  /// Method: hidden things before, between and behind those to be seen, in every primitive; each
  /// list whole, and one item a page. No word of a hidden thing is in an answer or in its cursor,
  /// decoded; no page is there for the sake of hidden things.
  @Test(arguments: Engines.available, [0, 1])
  func `no list tells of what is hidden`(on engine: TestEngine, which: Int) async throws {
    try await withServer(on: engine) { server in
      try await server.hide()
      let token = try await server.store.tokens.create(
        "t", role: .reader, patterns: Self.bothPatterns[which].map { try NamespacePattern($0) }
      ).secret
      for (_, path, count) in Self.lists {
        let whole = try await server.send("GET", path, as: token)
        #expect(whole.status == 200, "\(path)")
        #expect(whole.body["items"]?.arrayValue?.count == count[which], "\(path)")
        #expect(whole.body["next"] == .null && !whole.text.contains("hidden"), "\(path)")
        for name in ["total", "counts"] where whole.body[name] != nil {
          #expect(whole.body[name] == .integer(Int64(count[which])), "\(path)")
        }
        var next: String?
        var pages = 0
        repeat {
          let after = next.map { "&after=\(PercentText.encode($0))" } ?? ""
          let page = try await server.send("GET", "\(path)limit=1\(after)", as: token)
          #expect(page.status == 200 && !page.text.contains("hidden"), "\(path)")
          #expect(page.body["items"]?.arrayValue?.count == min(1, count[which]), "\(path)")
          next = page.body["next"]?.stringValue
          let decoded = next.flatMap { Base64.decodeURL($0) } ?? []
          #expect(!String(decoding: decoded, as: UTF8.self).contains("hidden"), "\(path)")
          pages += 1
        } while next != nil && pages < 50
        #expect(pages == max(1, count[which]), "\(path)")
      }
    }
  }

  /// Goal: a hidden thing and one that is not there have the same answer.
  @Test(arguments: Engines.available)
  func `what is hidden looks as if it were not there`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let ids = try await server.hide()
      let token = try await server.token(.reader, "run:mine")
      for (_, path) in Self.singles
        + [("", "/v1/grants/\(ids.grant)"), ("", "/v1/audit/\(ids.record)")]
      {
        let hidden = try await server.send("GET", path, as: token)
        let absent =
          path.replacing("hidden", with: "absent").replacing(ids.grant, with: "absent")
          .replacing(ids.record, with: "1:99999")
        let other = try await server.send("GET", absent, as: token)
        #expect(hidden.status == 404 && other.status == 404, "\(path)")
        let text = hidden.text.replacing("hidden", with: "absent")
          .replacing(ids.grant, with: "absent").replacing(ids.record, with: "1:99999")
        #expect(text == other.text, "\(path)")
      }
      for path in ["anchor", "verify"] {
        #expect(try await server.send("GET", "/v1/audit/\(path)", as: token).status == 403)
      }
      for path in ["tokens", "tokens/root", "retention"] {
        let admin = try await server.store.tokens.create(
          path, role: .admin, patterns: [NamespacePattern("**")]
        ).secret
        #expect(try await server.send("GET", "/v1/\(path)", as: admin).status == 403)
      }
      let health = try await server.send("GET", "/v1/health", as: token)
      #expect(health.body["rows"] == nil && health.body["bytes"] == nil)
      #expect(health.body["circuits"] == nil && health.body["details"] == nil)
      let stats = try await server.send("GET", "/v1/tasks/stats", as: token)
      #expect(!stats.text.contains("hidden"))
      let retryable = try await server.send("GET", "/v1/dead-letters?retryable&limit=1", as: token)
      #expect(!retryable.text.contains("hidden"))
      for query in ["slug=hidden", "slug=absent"] {
        let bots = try await server.send("GET", "/v1/bots?\(query)", as: token)
        #expect(bots.text == #"{"items":[],"next":null}"#)
      }
      let thread = try await server.send("GET", "/v1/sessions?channel=hidden&thread=x", as: token)
      #expect(thread.body["items"] == [])
    }
  }

  /// Goal: the feed shows a token what happens in its namespaces, and nothing else.
  @Test(arguments: Engines.available)
  func `the feed tells nothing of what is hidden`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let cursor = try await server.store.changes.cursor().description
      try await server.hide()
      let token = try await server.token(.reader, "run:mine")
      var since = cursor
      var kinds: Set<String> = []
      while true {
        let page = try await server.send(
          "GET", "/v1/changes?wait=0s&since=\(PercentText.encode(since))", as: token)
        #expect(page.status == 200 && !page.text.contains("hidden"))
        let items = try #require(page.body["items"]?.arrayValue)
        #expect(items.allSatisfy { $0["namespace"] == "run:mine" })
        kinds.formUnion(items.compactMap { $0["kind"]?.stringValue })
        since = try #require(page.body["next"]?.stringValue)
        if items.isEmpty { break }
      }
      #expect(kinds.isSuperset(of: ["kv", "run", "session", "task", "approval", "file", "audit"]))
    }
  }

  /// Goal: whoever reaches one namespace changes nothing outside of it, whatever the role.
  ///
  /// Method: every write that exists, aimed at what is elsewhere, by an administrator of one run:
  /// each is refused, and nothing enters the feed.
  @Test(arguments: Engines.available)
  func `no write reaches what is elsewhere`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let grant = try await server.stock()
      let token = try await server.token(.admin, "run:mine", "run:mine:**")
      let before = try await server.store.changes.cursor()
      for attempt in Try.all {
        let path = attempt.path.replacing("GRANT", with: grant)
        let answer =
          if let text = attempt.body?.stringValue {
            try await server.send(
              attempt.method, path, text: text, as: token, headers: ["Content-Type": "text/plain"])
          } else {
            try await server.send(attempt.method, path, attempt.body, as: token)
          }
        if path == "/v1/tasks/claim" {
          #expect(answer.text == #"{"items":[]}"#)
        } else {
          #expect(answer.status == 403 && answer.code == "forbidden", "\(attempt): \(answer.text)")
        }
      }
      let filtered = try await server.send(
        "POST", "/v1/dead-letters/redrive", ["source": "mail"], as: token)
      #expect(filtered.body["items"] == [] && filtered.body["next"] == .null)
      #expect(try await server.store.changes.page(since: before).items.isEmpty)
    }
  }
}

extension TestServer {
  /// Fills every primitive with what is hidden and what is not, in turns.
  ///
  /// - Returns: A grant's identifier and an audit record's, both hidden.
  @discardableResult
  fileprivate func hide() async throws -> (grant: String, record: String) {
    try await store.policies.set("hidden", .autoApprove, grants: true)
    try await store.policies.set("ask", .autoApprove, grants: true)
    try await store.providers.put("hidden")
    try await store.threads.upsert(channel: "hidden", thread: "hidden", sessionKey: "hidden")
    try await store.runs.begin("hidden", tags: ["t"])
    try await store.runs.begin("mine", tags: ["t"])
    try await store.runs.begin("hidden2", tags: ["t"])
    try await store.bots.create("ahidden", slug: "a hidden one")
    try await store.bots.create("mine", slug: "mine")
    try await store.bots.create("hidden", slug: "hidden")
    try await store.kv(Namespace("bot:mine")).put("k", 1)
    try await store.kv(Namespace("run:hidden:deep")).put("hidden", 1)
    for (run, number) in [("hidden", 1), ("mine", 1), ("hidden", 2), ("mine", 2), ("hidden", 3)] {
      try await fill("\(run)\(number)", run: run)
    }
    try await fill("hidden4", run: nil)
    try await store.audit.record(AuditEntry(action: "a", subject: "hidden", bot: "hidden"))
    try await store.audit.record(AuditEntry(action: "a", bot: "mine"))
    let record = try await store.audit.record(
      AuditEntry(action: "a", subject: "hidden", bot: "hidden", run: "mine"))
    let grants = try await store.grants.list(GrantQuery(task: "hidden1")).items
    return (try #require(grants.first).id, record.id)
  }

  private func fill(_ id: String, run: String?) async throws {
    let place = run.map { Namespace.run($0) } ?? .global
    try await store.kv(place).put(id, 1)
    try await store.files(place).save(id, Array(id.utf8))
    try await store.sessions.save(SessionEntry(id, run: run, channel: "c"))
    try await store.sessions.append([["n": 1], ["n": 2]], to: id)
    try await store.deadLetters.save(
      DeadLetterEntry(id, source: "mail", message: .string(id), run: run))
    try await store.audit.record(AuditEntry(action: "a", subject: id, run: run))
    var draft = TaskDraft("\(id) work", queue: "q", run: run)
    draft.id = id
    try await store.tasks.save(draft)
    try await store.approvals.request(
      ApprovalRequest("\(id) deed", task: id, permission: "ask", run: run, id: id))
  }
}
