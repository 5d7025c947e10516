import Holdfast
import Testing

/// A request that a write route answers with success on the stocked store.
struct Try: Sendable, CustomTestStringConvertible {
  let method: String
  let pattern: String
  let path: String
  let body: Value?
  /// Whether the route can be repeated by a key, or refuses one.
  var isRepeatable = true

  var testDescription: String { "\(method) \(pattern)" }

  init(_ method: String, _ pattern: String, _ path: String? = nil, _ body: Value? = nil) {
    self.method = method
    self.pattern = pattern
    self.path = path ?? pattern
    self.body = body
  }

  var refusing: Try {
    var copy = self
    copy.isRepeatable = false
    return copy
  }

  static let all = keys + runs + conversations + letters + tasks + approvals + files + store

  private static let key = "/v1/kv/{namespace}/{key}"
  private static let entry = "/v1/entry"
  private static let place = "?namespace=global&key=n"

  private static let keys = [
    Try("PUT", key, "/v1/kv/global/x", ["value": 1]), Try("DELETE", key, "/v1/kv/global/n"),
    Try("POST", "\(key)/increment", "/v1/kv/global/n/increment"),
    Try("POST", "\(key)/expire", "/v1/kv/global/n/expire", ["ttl": "1h"]),
    Try("POST", "\(key)/persist", "/v1/kv/global/t/persist"),
    Try("PUT", entry, entry + place, ["value": 1]), Try("DELETE", entry, entry + place),
    Try("POST", "\(entry)/increment", "\(entry)/increment\(place)"),
    Try("POST", "\(entry)/expire", "\(entry)/expire\(place)", ["ttl": "1h"]),
    Try("POST", "\(entry)/persist", "\(entry)/persist?namespace=global&key=t"),
    Try("DELETE", "/v1/kv/{namespace}", "/v1/kv/global?confirm=global"),
    Try(
      "POST", "/v1/kv/{namespace}/put-many", "/v1/kv/global/put-many",
      ["items": [["key": "x", "value": 1]]]),
    Try(
      "POST", "/v1/kv/{namespace}/delete-many", "/v1/kv/global/delete-many", ["keys": ["n"]]),
  ]

  private static let runs =
    [
      Try("POST", "/v1/runs"), Try("PATCH", "/v1/runs/{id}", "/v1/runs/r", ["tags": ["x"]]),
      Try("DELETE", "/v1/runs/{id}", "/v1/runs/r"), Try("POST", "/v1/bots", nil, ["slug": "new"]),
      Try("PATCH", "/v1/bots/{id}", "/v1/bots/b", ["name": "x"]),
      Try("DELETE", "/v1/bots/{id}", "/v1/bots/b"),
    ]
    + RunEvent.allCases.map { event in
      let run = event == .resume ? "paused" : "r"
      return Try("POST", "/v1/runs/{id}/\(event.rawValue)", "/v1/runs/\(run)/\(event.rawValue)")
    }

  private static let conversations = [
    Try("POST", "/v1/sessions"), Try("PUT", "/v1/sessions/{id}", "/v1/sessions/s", ["user": "u"]),
    Try("DELETE", "/v1/sessions/{id}", "/v1/sessions/s"),
    Try("POST", "/v1/sessions/{id}/touch", "/v1/sessions/s/touch"),
    Try("POST", "/v1/sessions/{id}/items", "/v1/sessions/s/items", ["items": [["n": 2]]]),
    Try("POST", "/v1/sessions/{id}/pop", "/v1/sessions/s/pop"),
    Try("DELETE", "/v1/sessions/{id}/items", "/v1/sessions/s/items"),
    Try("PUT", "/v1/threads/{channel}/{thread}", "/v1/threads/c/t", ["session_key": "x"]),
    Try("DELETE", "/v1/threads/{channel}/{thread}", "/v1/threads/c/t"),
    Try("POST", "/v1/threads/{channel}/{thread}/touch", "/v1/threads/c/t/touch"),
  ]

  private static let letters = [
    Try("POST", "/v1/dead-letters", nil, ["source": "mail", "message": 1]),
    Try("POST", "/v1/dead-letters/redrive", nil, ["ids": ["d"]]),
    Try("POST", "/v1/dead-letters/{id}/retry-failed", "/v1/dead-letters/d/retry-failed"),
    Try("POST", "/v1/dead-letters/{id}/resolve", "/v1/dead-letters/d/resolve"),
    Try("POST", "/v1/dead-letters/{id}/redrive", "/v1/dead-letters/d/redrive"),
    Try("POST", "/v1/audit", nil, ["action": "a"]),
    Try("PUT", "/v1/providers/{name}", "/v1/providers/p", ["priority": 2]),
    Try("DELETE", "/v1/providers/{name}", "/v1/providers/p"),
    Try("POST", "/v1/providers/{name}/success", "/v1/providers/p/success"),
    Try("POST", "/v1/providers/{name}/failure", "/v1/providers/p/failure", ["error": "x"]),
    Try("POST", "/v1/providers/{name}/rate-limited", "/v1/providers/p/rate-limited"),
    Try("POST", "/v1/providers/{name}/acquire", "/v1/providers/p/acquire").refusing,
  ]

  private static let task = "/v1/tasks/{id}"

  private static let tasks = [
    Try("POST", "/v1/tasks", nil, ["command": "c"]),
    Try("POST", "/v1/tasks/enqueue-many", nil, ["tasks": [["command": "c"]]]),
    Try("POST", "/v1/tasks/claim", nil, ["queues": ["default"]]).refusing,
    Try("POST", "/v1/tasks/fail-stuck"), Try("PUT", task, "/v1/tasks/new", ["command": "c"]),
    Try(
      "POST", "\(task)/steps", "/v1/tasks/l/steps",
      ["name": "n", "result": 1, "fencing_token": 1]),
    Try("POST", "\(task)/status", "/v1/tasks/t/status", ["status": "running"]),
    Try("POST", "\(task)/heartbeat", "/v1/tasks/l/heartbeat", ["fencing_token": 1]),
    Try("POST", "\(task)/progress", "/v1/tasks/l/progress", ["progress": 1, "fencing_token": 1]),
    Try("POST", "\(task)/complete", "/v1/tasks/l/complete", ["fencing_token": 1]),
    Try("POST", "\(task)/fail", "/v1/tasks/l/fail", ["error": "x", "fencing_token": 1]),
    Try("POST", "\(task)/release", "/v1/tasks/l/release", ["fencing_token": 1]),
    Try("POST", "\(task)/cancel", "/v1/tasks/t/cancel"),
    Try("POST", "\(task)/requeue", "/v1/tasks/f/requeue"),
    Try("POST", "\(task)/replay", "/v1/tasks/f/replay"),
  ]

  private static let approvals = [
    Try("POST", "/v1/approvals", nil, ["action": "a"]),
    Try(
      "POST", "/v1/approvals/{id}/decide", "/v1/approvals/asked/decide", ["decision": "approve"]),
    Try("POST", "/v1/approvals/{id}/consume", "/v1/approvals/given/consume", ["action": "a"]),
    Try("DELETE", "/v1/approvals/{id}", "/v1/approvals/asked"),
    Try("PUT", "/v1/policies/{permission}", "/v1/policies/new", ["mode": "auto_approve"]),
    Try("DELETE", "/v1/policies/{permission}", "/v1/policies/p"),
    Try("DELETE", "/v1/grants/{id}", "/v1/grants/GRANT"),
  ]

  private static let file = "/v1/files/{namespace}/{name}"

  private static let files = [
    Try("PUT", file, "/v1/files/global/new", "text"),
    Try("PATCH", file, "/v1/files/global/f", ["indexed": true]),
    Try("DELETE", file, "/v1/files/global/f"),
    Try("POST", "\(file)/restore", "/v1/files/global/f/restore", ["number": 1]),
    Try("POST", "\(file)/rename", "/v1/files/global/f/rename", ["to": "g"]),
    Try("POST", "\(file)/keep-versions", "/v1/files/global/f/keep-versions", ["versions": 1]),
  ]

  private static let store = [
    Try(
      "POST", "/v1/transactions", nil,
      ["operations": [["op": "kv.put", "namespace": "global", "key": "x", "value": 1]]]),
    Try("POST", "/v1/tokens", nil, ["name": "new", "role": "reader"]).refusing,
    Try("DELETE", "/v1/tokens/{name}", "/v1/tokens/old").refusing,
    Try("PUT", "/v1/retention", nil, ["kind": "tasks", "keep_for": "1d"]).refusing,
    Try("POST", "/v1/retention/run").refusing,
  ]

  /// What is sent with POST and only reads.
  static let reads = ["POST /v1/kv/{namespace}/get-many", "POST /v1/audit/verify"]
}

extension TestServer {
  /// Puts something into every primitive, and gives the identifier of a grant.
  func stock() async throws -> String {
    try await store.kv(.global).put("n", 1)
    try await store.kv(.global).put("t", 1, ttl: .seconds(600))
    try await store.runs.begin("r")
    try await store.runs.begin("paused")
    try await store.runs.apply(.pause, to: "paused")
    try await store.bots.create("b", slug: "b")
    try await store.sessions.save(SessionEntry("s"))
    try await store.sessions.append([["n": 1]], to: "s")
    try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "s")
    try await store.deadLetters.save(DeadLetterEntry("d", source: "mail", message: 1))
    try await store.providers.put("p")
    for (id, queue) in [("t", "default"), ("l", "leased"), ("f", "failed")] {
      var draft = TaskDraft("work", queue: queue)
      draft.id = id
      try await store.tasks.save(draft)
    }
    #expect(try await store.tasks.claim(from: ["leased"]).first?.token == 1)
    try await store.tasks.fail("f", error: "x", retry: .never)
    try await store.policies.set("p", .autoApprove, grants: true)
    try await store.approvals.request(ApprovalRequest("a", task: "t", permission: "p"))
    try await store.approvals.request(ApprovalRequest("a", id: "asked"))
    try await store.approvals.request(ApprovalRequest("a", id: "given"))
    try await store.approvals.decide("given", .approve)
    for text in ["one", "two"] { try await store.files(.global).save("f", Array(text.utf8)) }
    _ = try await store.tokens.create("old", role: .reader)
    return try #require(try await store.grants.list().items.first?.id)
  }
}
