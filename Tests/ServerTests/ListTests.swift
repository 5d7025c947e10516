import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ListTests {
  /// Goal: a list is seen whole through its pages, in each order.
  ///
  /// Method: put keys, walk pages of two by `next`, and compare with what was put.
  @Test(arguments: Engines.available)
  func `keys come page by page`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let keys = ["a", "b+", "b/1", "b/2", "c"]
      for key in keys { try await server.store.kv(.global).put(key, .string(key)) }
      let listed = ["key", "version", "description", "created_at", "updated_at", "expires_at"]
      let orders = [
        ("", keys), ("&reverse=true", keys.reversed()), ("&order=updated", keys.reversed()),
        ("&prefix=b", ["b+", "b/1", "b/2"]), ("&from=b/1", ["b/1", "b/2", "c"]),
      ]
      for (query, expected) in orders {
        var seen: [String] = []
        var next: String? = ""
        while let after = next {
          let place = after.isEmpty ? "" : "&after=" + after.replacing("+", with: "%2B")
          let page = try await server.send("GET", "/v1/kv/global?limit=2\(query)\(place)")
          #expect(page.status == 200)
          let items = try #require(page.body["items"]?.arrayValue)
          #expect(items.count <= 2)
          #expect(items.allSatisfy { $0.objectValue?.names == listed })
          seen += items.compactMap { $0["key"]?.stringValue }
          next = page.body["next"]?.stringValue
        }
        #expect(seen == expected, "\(query)")
      }
      let full = try await server.send("GET", "/v1/kv/global?values&count=true&prefix=b/")
      #expect(full.body["count"] == 2)
      #expect(full.body["items"]?.arrayValue?.first?["value"] == "b/1")
      #expect(full.body["next"] == .null)
      let empty = try await server.send("GET", "/v1/kv/nothing")
      #expect(empty.body == ["items": [], "next": nil])
    }
  }

  /// Goal: what a list cannot do is refused and named.
  ///
  /// Method: one query for each rule.
  @Test(arguments: [
    "limit=0", "limit=1001", "limit=x", "order=size", "reverse=yes", "order=updated&reverse=true",
    "after=%00", "limit=1&limit=2", "order=updated&after=!", "values=1&value=1",
    "limit=%2B5",
  ])
  func `a list refuses what it cannot do`(_ query: String) async throws {
    try await withServer { server in
      let answer = try await server.send("GET", "/v1/kv/global?\(query)")
      #expect(answer.status == 400)
      #expect(answer.code == "invalid")
    }
  }

  /// Goal: namespaces are listed by prefix and depth, with exact counts.
  ///
  /// Method: keys in five namespaces, and the lists that a console asks for.
  @Test(arguments: Engines.available)
  func `namespaces are listed and counted`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      for name in ["global", "users:u1", "users:u1:memories", "users:u2", "usersx"] {
        try await server.store.kv(Namespace(name)).put("k", 1)
      }
      func names(_ query: String) async throws -> [String] {
        let answer = try await server.send("GET", "/v1/kv?\(query)")
        return (answer.body["items"]?.arrayValue ?? []).map {
          "\($0["namespace"]?.stringValue ?? "") \($0["count"]?.integerValue ?? -1)"
        }
      }
      #expect(
        try await names("count=true")
          == ["global 1", "users:u1 1", "users:u1:memories 1", "users:u2 1", "usersx 1"])
      #expect(try await names("depth=1&count=true") == ["global 1", "users 3", "usersx 1"])
      #expect(
        try await names("prefix=users:u1") == ["users:u1 -1", "users:u1:memories -1"])
      let page = try await server.send("GET", "/v1/kv?depth=1&limit=2")
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await names("depth=1&after=\(next)") == ["usersx -1"])
      #expect(try await server.send("GET", "/v1/kv?depth=9").status == 400)
    }
  }

  /// Goal: batches keep order and duplicates, are atomic, and name the entry that is wrong.
  ///
  /// Method: put, get and delete many; then a batch whose second entry is wrong.
  @Test(arguments: Engines.available)
  func `many keys go at once`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let path = "/v1/kv/run:1"
      let put = try await server.send(
        "POST", "\(path)/put-many",
        ["items": [["key": "a", "value": 1], ["key": "b", "value": 2, "absent": true]]])
      #expect(put.status == 200)
      #expect(put.body["items"]?.arrayValue?.count == 2)
      #expect(put.body["version"]?.integerValue == put.version)
      let got = try await server.send("POST", "\(path)/get-many", ["keys": ["b", "x", "b"]])
      let values = got.body["items"]?.arrayValue?.map { $0["value"] ?? .null }
      #expect(values == [2, nil, 2])
      #expect(got.body["next"] == .null)
      try await server.store.kv(.run("1")).put("n", .null)
      let both = try await server.send("POST", "\(path)/get-many", ["keys": ["n", "x"]])
      let items = try #require(both.body["items"]?.arrayValue)
      // A stored null is an entry; what is missing is none.
      #expect(items.count == 2 && items[0]["value"] == .some(.null) && items[1] == .null)
      #expect(items[0]["key"] == "n" && items[1].objectValue == nil)
      try await server.store.kv(.run("1")).delete("n")
      let wrong = try await server.send(
        "POST", "\(path)/put-many", ["items": [["key": "c", "value": 3], ["key": ""]]])
      #expect(wrong.status == 422)
      #expect(wrong.details["index"] == 1)
      let refused = try await server.send(
        "POST", "\(path)/put-many",
        ["items": [["key": "c", "value": 3], ["key": "a", "value": 3, "absent": true]]])
      #expect(refused.status == 409)
      #expect(refused.details["index"] == 1)
      #expect(try await server.store.kv(.run("1")).count() == 2)
      let deleted = try await server.send(
        "POST", "\(path)/delete-many", ["keys": ["a", "a", "x"]])
      #expect(deleted.body["deleted"] == 1)
    }
  }

  /// Goal: a namespace is cleared only by whoever says its name twice, and only as far as asked.
  ///
  /// Method: clear without and with the name, then with all below.
  @Test func `clearing wants the name twice`() async throws {
    try await withServer { server in
      for name in ["users", "users:u1"] {
        try await server.store.kv(Namespace(name)).put("k", 1)
      }
      for query in ["", "?confirm=user", "?confirm=", "?below=true"] {
        #expect(try await server.send("DELETE", "/v1/kv/users\(query)").status == 400)
      }
      #expect(try await server.send("DELETE", "/v1/kv/users?confirm=users").status == 204)
      #expect(try await server.store.kv(Namespace("users")).count() == 0)
      #expect(try await server.store.kv(Namespace("users:u1")).count() == 1)
      let below = try await server.send("DELETE", "/v1/kv/users?confirm=users&below=true")
      #expect(below.status == 204)
      #expect(try await server.store.kv(Namespace("users:u1")).count() == 0)
      #expect(try await server.send("DELETE", "/v1/kv/users?confirm=users").status == 204)
    }
  }

  /// Goal: an answer of many values ends at the size of a page and says where to go on.
  ///
  /// Method: a store with a small page, and values that are larger than a third of it.
  @Test func `a page of values has a size`() async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 1_000
    try await withServer(store: options) { server in
      for key in ["a", "b", "c", "d"] {
        try await server.store.kv(.global).put(key, .string(String(repeating: key, count: 400)))
      }
      let got = try await server.send(
        "POST", "/v1/kv/global/get-many", ["keys": ["a", "b", "c", "d"]])
      #expect(got.body["items"]?.arrayValue?.count == 2)
      #expect(got.body["next"] == "c")
      let listed = try await server.send("GET", "/v1/kv/global?values=true")
      #expect(listed.body["items"]?.arrayValue?.count == 3)
      #expect(listed.body["next"] == "c")
    }
  }

  /// Goal: every list refuses what no name can hold, on either engine.
  @Test(arguments: Engines.available)
  func `a name with NUL is refused`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      for path in ["/v1/tokens?after=%00", "/v1/audit?actor=%00", "/v1/audit?subject=%00"] {
        #expect(try await server.send("GET", path).code == "invalid", "\(path)")
      }
      let slug = try await server.send("GET", "/v1/bots?slug=s&limit=1")
      #expect(slug.status == 400)
    }
  }
}
