import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct TransactionTests {
  /// Goal: writes over two namespaces and a run are one transaction with one version.
  ///
  /// Method: send them together on every engine, and look at the results and at the store.
  @Test(arguments: Engines.available)
  func `writes over primitives are one`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let version = try await server.store.kv(.global).put("lock", 1).entry.version
      let answer = try await server.send(
        "POST", "/v1/transactions",
        [
          "checks": [
            ["namespace": "global", "key": "lock", "version": .integer(version)],
            ["namespace": "global", "key": "none", "absent": true],
          ],
          "operations": [
            ["op": "runs.begin", "id": "r"],
            ["op": "kv.put", "namespace": "run:r", "key": "plan", "value": ["step": 1]],
            ["op": "kv.increment", "namespace": "users:u1", "key": "n", "by": 3],
            ["op": "kv.delete", "namespace": "global", "key": "gone"],
            ["op": "runs.complete", "id": "r"],
          ],
        ])
      #expect(answer.status == 200)
      let results = try #require(answer.body["results"]?.arrayValue)
      #expect(results.count == 5)
      let written = try #require(answer.body["version"]?.integerValue)
      #expect(written > version)
      #expect(results[1]["version"] == .integer(written))
      #expect(results[2] == ["value": 3, "version": .integer(written)])
      #expect(results[3] == ["deleted": false])
      #expect(results[4]["status"] == "completed")
      #expect(try await server.store.runs.get("r")?.version == written)
    }
  }

  /// Goal: what fails names its place and leaves nothing behind.
  ///
  /// Method: fail a check, a condition, a field, an operation's name and a state, each after a
  /// write that would have succeeded.
  @Test(arguments: Engines.available)
  func `a failure names its place and leaves nothing`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      try await server.store.kv(.global).put("there", 1)
      let put: Value = ["op": "kv.put", "namespace": "global", "key": "new", "value": 1]
      let cases: [(Value, Int, String, Int64)] = [
        (
          ["op": "kv.put", "namespace": "global", "key": "there", "value": 2, "absent": true], 409,
          "conflict", 1
        ),
        (
          ["op": "kv.put", "namespace": "global", "key": "x", "value": 2, "version": 7], 409,
          "conflict", 1
        ),
        (["op": "runs.complete", "id": "none"], 404, "not_found", 1),
        (
          ["op": "kv.expire", "namespace": "global", "key": "none", "ttl": "1s"], 404, "not_found",
          1
        ),
        (["op": "kv.fly", "namespace": "global"], 422, "invalid", 1),
        (["op": "kv.put", "namespace": "global", "key": "x"], 422, "invalid", 1),
        (["op": "kv.delete", "namespace": "global", "key": "x", "y": 1], 422, "invalid", 1),
        (["op": "tokens.create", "name": "x", "role": "admin"], 422, "invalid", 1),
      ]
      for (operation, status, code, index) in cases {
        let answer = try await server.send(
          "POST", "/v1/transactions", ["operations": [put, operation]])
        #expect(answer.status == status, "\(operation)")
        #expect(answer.code == code, "\(operation)")
        #expect(answer.details["index"] == .integer(index), "\(operation)")
        #expect(try await server.store.kv(.global).get("new") == nil, "\(operation)")
      }
      let check = try await server.send(
        "POST", "/v1/transactions",
        [
          "checks": [
            ["namespace": "global", "key": "none", "absent": true],
            ["namespace": "global", "key": "there", "version": 999_999],
          ], "operations": [put],
        ])
      #expect(check.status == 409)
      #expect(check.details["check"] == 1)
      #expect(check.details["key"] == "there")
      #expect(check.details["version"]?.integerValue != nil)
      #expect(try await server.store.kv(.global).get("new") == nil)
    }
  }

  /// Goal: a transaction in which nothing is done has no version, and no event.
  ///
  /// Method: delete what is not there, and look at the feed.
  @Test func `a transaction of nothing changes nothing`() async throws {
    try await withServer { server in
      let cursor = try await server.store.changes.cursor()
      let answer = try await server.send(
        "POST", "/v1/transactions",
        ["operations": [["op": "kv.delete", "namespace": "global", "key": "x"]]])
      #expect(answer.body == ["version": nil, "results": [["deleted": false]]])
      #expect(try await server.store.changes.page(since: cursor).items.isEmpty)
      let empty = try await server.send("POST", "/v1/transactions", ["operations": []])
      #expect(empty.body == ["version": nil, "results": []])
      #expect(try await server.send("POST", "/v1/transactions", [:]).status == 422)
    }
  }

  /// Goal: a write that is repeated with its idempotency key gives the first answer and writes
  /// once.
  ///
  /// Method: repeat a put, an increment, a begin without an id and a transaction, on every engine;
  /// then use a key for another request, and another caller's.
  @Test(arguments: Engines.available)
  func `a repeated write gives the first answer`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let requests: [(String, String, Value)] = [
        ("PUT", "/v1/kv/global/a", ["value": ["x": 1]]),
        ("POST", "/v1/kv/global/n/increment", ["by": 2]), ("POST", "/v1/runs", ["tags": ["t"]]),
        (
          "POST", "/v1/transactions",
          ["operations": [["op": "kv.increment", "namespace": "global", "key": "m"]]]
        ),
      ]
      for (place, (method, path, body)) in requests.enumerated() {
        let key = ["Idempotency-Key": "key \(place)"]
        let first = try await server.send(method, path, body, headers: key)
        #expect((200...201).contains(first.status))
        let again = try await server.send(method, path, body, headers: key)
        #expect(again.status == first.status)
        #expect(again.body == first.body)
        #expect(again.headers["etag"] == first.headers["etag"])
        #expect(again.headers["location"] == first.headers["location"])
        let other = try await server.send("POST", "/v1/kv/global/z/increment", headers: key)
        #expect(other.status == 409)
        #expect(other.code == "conflict")
      }
      #expect(try await server.store.kv(.global).get("n") == 2)
      #expect(try await server.store.kv(.global).get("m") == 1)
      #expect(try await server.store.runs.list().items.count == 1)
      let stranger = try await server.token(.agent)
      let theirs = try await server.send(
        "POST", "/v1/kv/global/n/increment", ["by": 2], as: stranger,
        headers: ["Idempotency-Key": "key 1"])
      #expect(theirs.body["value"] == 4)
      // White space around a field's value is no part of it, so a blank key is an empty one.
      for key in [String(repeating: "k", count: 257), " "] {
        let answer = try await server.send(
          "POST", "/v1/kv/global/n/increment", headers: ["Idempotency-Key": key])
        #expect(answer.status == 400 && answer.code == "invalid", "\(answer.text)")
      }
      #expect(try await server.store.kv(.global).get("n") == 4)
    }
  }

  /// Goal: a write that failed leaves no idempotency key behind.
  ///
  /// Method: fail a conditional put, mend the reason, and repeat it with the same key.
  @Test func `a failed write may be repeated`() async throws {
    try await withServer { server in
      let version = try await server.store.kv(.global).put("a", 1).entry.version
      let headers = ["Idempotency-Key": "k", "If-None-Match": "*"]
      let body: Value = ["value": 2]
      let failed = try await server.send("PUT", "/v1/kv/global/a", body, headers: headers)
      #expect(failed.status == 412)
      #expect(failed.details["version"] == .integer(version))
      try await server.store.kv(.global).delete("a")
      let done = try await server.send("PUT", "/v1/kv/global/a", body, headers: headers)
      #expect(done.status == 201)
      // The key is there now, so only the kept answer can say 201.
      let again = try await server.send("PUT", "/v1/kv/global/a", body, headers: headers)
      #expect(again.status == 201)
    }
  }

  /// Goal: a condition that is null is not taken for none: the write would go through unguarded.
  ///
  /// Method: an operation, and an entry of a batch, each with a null `version` and `absent`.
  @Test func `a null condition is refused`() async throws {
    try await withServer { server in
      try await server.store.kv(.global).put("k", "theirs")
      for name in ["version", "absent"] {
        let put: Value = ["namespace": "global", "key": "k", "value": "mine"]
        var operation = try #require(put.objectValue)
        operation["op"] = "kv.put"
        operation[name] = .null
        let whole = try await server.send(
          "POST", "/v1/transactions", ["operations": [.object(operation)]])
        var item: Object = ["key": "k", "value": "mine"]
        item[name] = .null
        let batch = try await server.send(
          "POST", "/v1/kv/global/put-many", ["items": [.object(item)]])
        for answer in [whole, batch] {
          #expect(answer.status == 422 && answer.code == "invalid", "\(answer.text)")
          #expect(answer.details["field"] == .string(name))
        }
      }
      #expect(try await server.store.kv(.global).get("k") == "theirs")
    }
  }

  /// Goal: what is too much is refused before any of it is done.
  ///
  /// Method: one operation more than the limit, and one check more.
  @Test(arguments: Engines.available)
  func `a transaction past the limit is too large`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionOperationsMax = 20
    try await withServer(on: engine, store: options) { server in
      let put: Value = ["op": "kv.put", "namespace": "global", "key": "k", "value": 1]
      let check: Value = ["namespace": "global", "key": "k", "absent": true]
      for (operations, checks, status) in [(21, 0, 413), (1, 21, 413), (20, 20, 200)] {
        let answer = try await server.send(
          "POST", "/v1/transactions",
          [
            "operations": .array(Array(repeating: put, count: operations)),
            "checks": .array(Array(repeating: check, count: checks)),
          ])
        #expect(answer.status == status, "\(answer.text)")
      }
    }
  }
}
