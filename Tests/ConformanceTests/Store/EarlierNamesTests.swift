import Holdfast
import HoldfastTesting
import Testing

/// For people who come from the older Go and Rust stores: each test bears the old name and shows
/// the old behaviour, or the stated difference.
@Suite(.timeLimit(.minutes(5))) struct EarlierNamesTests {
  /// Goal: `put_with_ttl` is `put(ttl:)`.
  ///
  /// Method: a key of half a second is gone after half a second (one of the older stores served it
  /// until a cleanup, up to a minute later).
  @Test(arguments: Engines.available)
  func `put_with_ttl is put with a ttl`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.put("k", "v", ttl: .milliseconds(500))
      #expect(try await kv.get("k") == "v")
      time.advance(by: .milliseconds(500))
      #expect(try await kv.get("k") == nil)
    }
  }

  /// Goal: `list` is `keys`, `list_with_values` is `entries`.
  ///
  /// Method: some keys under a prefix, both ways.
  @Test(arguments: Engines.available)
  func `list is keys and list_with_values is entries`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.putMany([Put("a/1", 1), Put("a/2", 2), Put("b", 3)])
      #expect(try await kv.keys(prefix: "a/").all() == ["a/1", "a/2"])
      let entries = try await kv.entries(prefix: "a/").all()
      #expect(entries.map(\.key) == ["a/1", "a/2"] && entries.map(\.value) == [1, 2])
    }
  }

  /// Goal: `transaction` with `kv_get`, `kv_put`, `kv_delete` is `kv.transaction`, and `tx.kv(…)`
  /// where a transaction spans namespaces.
  ///
  /// Method: both forms.
  @Test(arguments: Engines.available)
  func `kv_get kv_put and kv_delete are tx kv`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.transaction { kv in
        try kv.put("a", 1)
        try kv.put("b", try kv.get("a") ?? nil)
        try kv.delete("a")
      }
      try await test.store.transaction { tx in
        let value = try tx.kv(.run("42")).get("b") ?? nil
        try tx.kv(.bot("7")).put("b", value)
      }
      #expect(try await kv.keys().all() == ["b"])
      #expect(try await test.store.kv(.bot("7")).get("b") == 1)
    }
  }

  /// Goal: a bot's `get`, `set`, `delete`, `list_keys`, `get_entry` are get, put, delete, keys,
  /// getEntry of the namespace `bot:ID`.
  ///
  /// Method: each of them.
  @Test(arguments: Engines.available)
  func `a bot's set is put and its list_keys is keys`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.bot("7"))
      try await kv.put("memory", ["fact": "sky"], description: "what it learned")
      #expect(try await kv.get("memory") == ["fact": "sky"])
      let entry = try #require(try await kv.getEntry("memory"))
      #expect(entry.key == "memory" && entry.description == "what it learned")
      #expect(entry.createdAt == entry.updatedAt)
      #expect(try await kv.keys().all() == ["memory"])
      #expect(try await kv.delete("memory"))
      #expect(try await kv.get("memory") == nil)
    }
  }

  /// Goal: `Get`, `Set`, `Delete`, `List`, `GetAll` of variables with exact keys are the operations
  /// on keys.
  ///
  /// Method: keys that the old stores kept apart stay apart.
  @Test(arguments: Engines.available)
  func `Set and GetAll with exact keys are put and entries`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(try Namespace("settings"))
      try await kv.put("API_KEY", "upper")
      try await kv.put("api_key", "lower")
      #expect(try await kv.get("API_KEY") == "upper")
      let all = try await kv.entries().all()
      #expect(all.map(\.key) == ["API_KEY", "api_key"])
      #expect(try await kv.delete("API_KEY"))
      #expect(try await kv.get("api_key") == "lower")
    }
  }

  /// Goal: `DBSizeBytes` is `size`.
  ///
  /// Method: it grows with what is stored.
  @Test(arguments: Engines.available)
  func `DBSizeBytes is size`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let before = try await test.store.size()
      try await test.store.kv(.global).put("k", .bytes(Array(repeating: 7, count: 1 << 20)))
      #expect(try await test.store.size() > before)
    }
  }

  /// Goal: `SaveApproval`, `GetApproval` and `DeleteApproval` are request, get and delete.
  ///
  /// Method: one approval; what differs is that its task is cancelled with it.
  @Test(arguments: Engines.available)
  func `SaveApproval GetApproval and DeleteApproval are request get and delete`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let task = try await test.store.tasks.enqueue("send").task.id
      let saved = try await test.store.approvals.request(
        ApprovalRequest("send_email", parameters: ["to": "u1"], task: task, id: "a1"))
      #expect(try await test.store.approvals.get("a1") == saved)
      #expect(try await test.store.approvals.delete("a1"))
      #expect(try await test.store.approvals.get("a1") == nil)
      #expect(try await test.store.tasks.get(task)?.status == .cancelled)
    }
  }

  /// Goal: `ListExpiredApprovals` is `expired(maxAge:)`.
  ///
  /// Method: what nobody decided within ten minutes of its request, and nothing else.
  @Test(arguments: Engines.available)
  func `ListExpiredApprovals is expired with a maxAge`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      try await approvals.request(ApprovalRequest("old", id: "old"))
      try await approvals.request(ApprovalRequest("decided", id: "decided"))
      try await approvals.decide("decided", .deny)
      time.advance(by: .seconds(1))
      try await approvals.request(ApprovalRequest("new", id: "new"))
      time.advance(by: .seconds(599))
      let expired = try await approvals.expired(maxAge: .seconds(600)).items
      #expect(expired.map(\.id) == ["old"])
    }
  }
}
