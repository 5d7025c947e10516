import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(5))) struct RepeatTests {
  /// Goal: the cases below are about all that can be written.
  @Test func `every write route is tried`() {
    let routes = Routes.all.filter { $0.method != .get }
      .map { "\($0.method.rawValue) \($0.pattern)" }
    #expect(Set(Try.all.map(\.testDescription) + Try.reads) == Set(routes))
    #expect(Try.all.count + Try.reads.count == routes.count)
  }

  /// Goal: no write route ignores an idempotency key: it is answered once, or refuses the key.
  ///
  /// Method: each request twice with one key. The second answer must be the first one, and nothing
  /// enters the feed; the key is then taken for any other request. A route that refuses must do so
  /// before it does anything, and take the request without a key.
  @Test(arguments: Try.all)
  func `a key makes a write repeatable or is refused`(_ request: Try) async throws {
    try await withServer { server in
      let store = server.store
      let grant = try await server.stock()
      let path = request.path.replacing("GRANT", with: grant)
      func send(_ headers: [String: String]) async throws -> Answer {
        guard let text = request.body?.stringValue else {
          return try await server.send(request.method, path, request.body, headers: headers)
        }
        return try await server.send(
          request.method, path, text: text,
          headers: headers.merging(["Content-Type": "text/plain"]) { $1 })
      }
      let key = ["Idempotency-Key": "once"]
      let before = try await store.changes.cursor()
      let first = try await send(key)
      let after = try await store.changes.cursor()
      let second = try await send(key)
      #expect(try await store.changes.page(since: after).items.isEmpty)
      #expect(second.status == first.status)
      guard request.isRepeatable else {
        #expect(first.code == "invalid" && first.body["hint"]?.stringValue != nil)
        #expect(first.details["field"] == "Idempotency-Key")
        #expect(try await store.changes.page(since: before).items.isEmpty)
        let match = try await send(["If-Match": "\"1\""])
        #expect(match.status == 400)
        #expect((200...299).contains(try await send([:]).status))
        return
      }
      #expect((200...299).contains(first.status), "\(first.text)")
      #expect(second.text == first.text)
      #expect(second.headers["etag"] == first.headers["etag"])
      #expect(second.headers["location"] == first.headers["location"])
      let other = try await server.send("PUT", "/v1/kv/global/o", ["value": 1], headers: key)
      #expect(other.status == 409 && other.code == "conflict")
    }
  }

  /// Goal: a deletion that found nothing leaves no key behind: repeated later, it deletes.
  ///
  /// Method: a missing key and a missing bot are deleted with a key, made, and deleted again.
  @Test(arguments: Engines.available)
  func `a deletion of nothing may be repeated`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let store = server.store
      for (number, path) in ["/v1/kv/global/k", "/v1/bots/b"].enumerated() {
        let key = ["Idempotency-Key": "once-\(number)"]
        #expect(try await server.send("DELETE", path, headers: key).status == 404)
        try await store.kv(.global).put("k", 1)
        if number == 1 { try await store.bots.create("b", slug: "b") }
        #expect(try await server.send("DELETE", path, headers: key).status == 204)
        #expect(try await server.send("DELETE", path, headers: key).status == 204)
      }
    }
  }

  /// Goal: two different keys are never taken for one.
  ///
  /// Method: a key that is not ASCII, and two header fields.
  @Test func `a key is one field of ASCII`() async throws {
    try await withServer { server in
      for fields in ["Idempotency-Key: é", "Idempotency-Key: a\r\nIdempotency-Key: b"] {
        let text = try await Wire.with(port: server.port) { wire in
          let head = server.head("DELETE", "/v1/kv/global/k")
          try await wire.write(head.dropLast() + fields + "\r\n\r\n")
          return try await wire.readToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 400"), "\(text)")
      }
    }
  }
}
