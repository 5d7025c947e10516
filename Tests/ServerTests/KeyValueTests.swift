import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct KeyValueTests {
  /// Goal: a key can be made, read, replaced and deleted, and every answer says what happened.
  ///
  /// Method: walk one key through its life on every engine, and look at status, entity tag, location
  /// and body of each answer.
  @Test(arguments: Engines.available)
  func `a key lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let path = "/v1/kv/run:42/plan"
      let made = try await server.send("PUT", path, ["value": ["step": 1], "description": "first"])
      #expect(made.status == 201)
      #expect(made.headers["location"] == path)
      #expect(made.body["key"] == "plan")
      #expect(made.body["value"] == ["step": 1])
      #expect(made.body["description"] == "first")
      #expect(made.body["expires_at"] == .null)
      #expect(made.body["version"]?.integerValue == made.version)
      let replaced = try await server.send("PUT", path, ["value": nil])
      #expect(replaced.status == 200)
      #expect(replaced.headers["location"] == nil)
      #expect(replaced.body["description"] == "first")
      let read = try await server.send("GET", path)
      #expect(read.status == 200)
      #expect(read.body == replaced.body)
      #expect(read.body["value"] == .null)
      #expect(read.headers["content-type"] == "application/json")
      let head = try await server.send("HEAD", path)
      #expect(head.status == 200)
      #expect(head.text.isEmpty)
      #expect(head.headers["content-length"] == read.headers["content-length"])
      #expect(head.version == read.version)
      let deleted = try await server.send("DELETE", path)
      #expect(deleted.status == 204)
      #expect(deleted.text.isEmpty)
      #expect(try await server.send("DELETE", path).status == 404)
      let missing = try await server.send("GET", path)
      #expect(missing.status == 404)
      #expect(missing.code == "not_found")
      #expect(missing.headers["content-type"] == "application/problem+json")
      #expect(missing.body["status"] == 404)
    }
  }

  /// Goal: values survive exactly, integers past 2^53, doubles and bytes included.
  ///
  /// Method: put each as the JSON text that the store writes, and compare the text that comes back.
  @Test(arguments: [
    "9007199254740993", "1", "1.0", #"{"$f64":"NaN"}"#, #"{"$f64":"-0.0"}"#,
    #"{"$bytes":"AP8="}"#, #"{"$$bytes":"x"}"#, #""\u0000""#, "[]", "{}", "null",
  ])
  func `values survive exactly`(_ value: String) async throws {
    try await withServer { server in
      let put = try await server.send(
        "PUT", "/v1/kv/global/v", text: "{\"value\":\(value)}",
        headers: ["Content-Type": "application/json; charset=utf-8"])
      #expect(put.status == 201)
      let read = try await server.send("GET", "/v1/kv/global/v")
      #expect(read.text.contains("\"value\":\(value),"))
    }
  }

  /// Goal: the text of an entry that is written in one go is that of its value.
  ///
  /// Method: entries with and without a description and an expiry, with all that needs an escape.
  @Test func `an entry is written as its value is`() async throws {
    try await withStore(on: .sqlite) { test in
      let kv = test.store.kv(.global)
      let plain = try await kv.put("a\"\n\u{1}🐝", ["x": [1, 1.0, nil]]).entry
      let full = try await kv.put(
        "b", .bytes([1]), ttl: .seconds(60), description: "say \"hello\""
      ).entry
      for entry in [plain, full] { #expect(entry.jsonBytes == entry.json.jsonBytes) }
    }
  }

  /// Goal: any key can be addressed, and is exactly the one that was meant.
  ///
  /// Method: write through the path and look into the store; a fixed word of POST is an ordinary key
  /// for the other methods.
  @Test(arguments: [
    ("a%2Fb", "a/b"), ("a+b", "a+b"), ("100%25", "100%"), ("%252F", "%2F"), ("%20", " "),
    ("a%3Fb%23c", "a?b#c"), ("%F0%9F%90%9D", "🐝"), ("get-many", "get-many"),
    ("increment", "increment"), ("e%CC%81", "e\u{301}"), ("..%2Fx", "../x"),
  ])
  func `a key in a path is decoded once`(_ path: String, _ key: String) async throws {
    try await withServer { server in
      let put = try await server.send("PUT", "/v1/kv/global/\(path)", ["value": 1])
      #expect(put.status == 201)
      let page = try await server.store.kv(.global).list()
      #expect(page.items.map { Array($0.key.utf8) } == [Array(key.utf8)])
      #expect(try await server.send("GET", "/v1/kv/global/\(path)").status == 200)
      let location = try #require(put.headers["location"])
      #expect(try await server.send("GET", location).body["key"] == .string(key))
    }
  }

  /// Goal: keys that URL libraries would change are reached through the query.
  ///
  /// Method: use `.` and `..` with every method of `/v1/entry`.
  @Test(arguments: [".", "..", "a b", "x/../y"])
  func `any key at all is an entry`(_ key: String) async throws {
    try await withServer { server in
      let target = "/v1/entry?namespace=users:u1&key=\(key == "a b" ? "a+b" : key)"
      let put = try await server.send("PUT", target, ["value": 5])
      #expect(put.status == 201)
      let location = try #require(put.headers["location"])
      #expect(try await server.send("GET", location).body["key"] == .string(key))
      let path = "/v1/entry/increment" + target.dropFirst("/v1/entry".count)
      #expect(try await server.send("POST", path, ["by": 2]).body["value"] == 7)
      #expect(try await server.send("DELETE", target).status == 204)
      #expect(try await server.send("GET", target).status == 404)
    }
  }

  /// Goal: a path that is not what it seems is refused, and nothing is done.
  ///
  /// Method: send doubled and trailing slashes, broken escapes and impossible names.
  @Test(arguments: [
    "/v1/kv/global/", "/v1/kv//plan", "//v1/kv/global/plan", "/v1/kv/global/a//b",
    "/v1/kv/global/%", "/v1/kv/global/%2", "/v1/kv/global/%zz", "/v1/kv/global/%FF",
    "/v1/kv/global/%00", "/v1/kv/a::b/plan", "/v1/kv/_holdfast/plan",
    "/v1/kv/global/_holdfast%2Fx", "/v1/kv/global/plan?unknown=1", "/v1/entry?key=a",
  ])
  func `a path that cannot be is refused`(_ path: String) async throws {
    try await withServer { server in
      try await server.store.kv(.global).put("plan", 1)
      for method in ["GET", "PUT", "DELETE"] {
        let answer = try await server.send(method, path, method == "PUT" ? ["value": 2] : nil)
        #expect(answer.status == 400, "\(method)")
        #expect(answer.code == "invalid", "\(method)")
      }
      #expect(try await server.store.kv(.global).get("plan") == 1)
    }
  }

  /// Goal: a body that is wrong says where, and writes nothing.
  ///
  /// Method: one body for each rule, with its status and the field that the details name.
  @Test(arguments: [
    ("{", 400, nil), ("[]", 422, nil), ("{}", 422, "value"), (#"{"value":1,"x":2}"#, 422, "x"),
    (#"{"value":1,"ttl":5}"#, 422, "ttl"), (#"{"value":1,"ttl":"5"}"#, 422, "ttl"),
    (#"{"value":1,"description":1}"#, 422, "description"), (#"{"value":1,"value":2}"#, 400, nil),
    (#"{"value":1,"key":"other"}"#, 422, "key"), (#"{"value":{"$bytes":5}}"#, 400, nil),
    (#"{"value":1e999}"#, 400, nil), ("{\"value\":1} x", 400, nil),
  ])
  func `a body that is wrong says where`(
    _ text: String, _ status: Int, _ field: String?
  ) async throws {
    try await withServer { server in
      let answer = try await server.send(
        "PUT", "/v1/kv/global/a", text: text, headers: ["Content-Type": "application/json"])
      #expect(answer.status == status)
      #expect(answer.code == "invalid")
      if let field { #expect(answer.details["field"] == .string(field)) }
      #expect(try await server.store.kv(.global).get("a") == nil)
    }
  }

  /// Goal: only JSON is taken, and a POST without fields needs neither body nor content type.
  ///
  /// Method: send other types, none, and an increment with nothing at all.
  @Test func `the body is JSON or nothing`() async throws {
    try await withServer { server in
      for type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let answer = try await server.send(
          "PUT", "/v1/kv/global/a", text: #"{"value":1}"#, headers: ["Content-Type": type])
        #expect(answer.status == 415)
      }
      let answer = try await server.send("POST", "/v1/kv/global/n/increment")
      #expect(answer.status == 200)
      #expect(answer.body["value"] == 1)
      #expect(answer.body["version"]?.integerValue == answer.version)
    }
  }

  /// Goal: counters, expiry and its removal answer as promised.
  ///
  /// Method: use each verb on a key that is there, and on one that is not.
  @Test(arguments: Engines.available)
  func `a key can count and expire`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let path = "/v1/kv/global/n"
      #expect(try await server.send("POST", "\(path)/increment", ["by": 5]).body["value"] == 5)
      #expect(try await server.send("POST", "\(path)/increment", ["by": -7]).body["value"] == -2)
      let expiring = try await server.send("POST", "\(path)/expire", ["ttl": "1h"])
      #expect(expiring.status == 200)
      #expect(expiring.body["expires_at"]?.stringValue?.hasSuffix("Z") == true)
      #expect(try await server.send("POST", "\(path)/persist").body["expires_at"] == .null)
      for verb in ["expire", "persist"] {
        let body: Value? = verb == "expire" ? ["ttl": "1s"] : nil
        #expect(try await server.send("POST", "/v1/kv/global/x/\(verb)", body).status == 404)
      }
      #expect(try await server.send("POST", "\(path)/expire", ["ttl": "0s"]).status == 422)
      #expect(try await server.send("POST", "\(path)/expire").status == 422)
      try await server.store.kv(.global).put("text", "no number")
      let refused = try await server.send("POST", "/v1/kv/global/text/increment")
      #expect(refused.status == 409)
      #expect(refused.code == "invalid_state")
    }
  }
}
