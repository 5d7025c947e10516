import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

/// Requests whose bodies take their time to come.
@Suite(.timeLimit(.minutes(2))) struct SlowBodyTests {
  /// Goal: a token that is revoked while a body is on its way writes nothing any more.
  ///
  /// Method: the head is sent and the word to go on awaited, so that the body is being taken in;
  /// the clock moves, the token goes, then the body comes.
  @Test(arguments: [("/v1/kv/global/a", #"{"value":1}"#), ("/v1/files/global/a.txt", "content")])
  func `a body that outlives its token writes nothing`(
    _ target: String, _ body: String
  ) async throws {
    let time = ManualTimeSource()
    try await withServer(store: .testing(time: time)) { server in
      let token = try await server.token(.agent, name: "leaver")
      let answer = try await Wire.with(port: server.port) { wire in
        var headers = ["Expect": "100-continue"]
        if target.hasPrefix("/v1/kv") { headers["Content-Type"] = "application/json" }
        try await wire.write(
          server.head("PUT", target, as: token, headers: headers, length: body.utf8.count))
        _ = try await wire.read(through: "100 Continue\r\n\r\n")
        try await server.store.tokens.revoke("leaver")
        time.advance(by: .seconds(2))
        try await wire.write(body)
        return Answer(try await wire.readToEnd())
      }
      #expect(answer.status == 401)
      #expect(try await server.send("GET", target).status == 404)
    }
  }

  /// Goal: clients that send slowly keep nobody out.
  ///
  /// Method: room for one request; one whose body has not come yet, and others beside it.
  @Test func `a body on its way takes no place`() async throws {
    try await withServer {
      $0.requestsAtOnceMax = 1
    } _: { server in
      try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head(
            "PUT", "/v1/kv/global/a",
            headers: ["Content-Type": "application/json", "Expect": "100-continue"], length: 11))
        _ = try await wire.read(through: "100 Continue\r\n\r\n")
        #expect(try await server.send("PUT", "/v1/kv/global/b", ["value": 2]).status == 201)
        try await wire.write(#"{"value":1}"#)
        #expect(Answer(try await wire.readToEnd()).status == 201)
      }
    }
  }

  /// Goal: whether the server lives is told however busy it is; files have a bound of their own.
  ///
  /// Method: no room at all.
  @Test func `a busy server says that it lives`() async throws {
    try await withServer {
      $0.requestsAtOnceMax = 0
      $0.uploadsAtOnceMax = 0
    } _: { server in
      #expect(try await server.send("GET", "/livez").status == 200)
      #expect(try await server.send("GET", "/readyz").status == 200)
      #expect(try await server.send("GET", "/v1/kv").status == 503)
      let upload = try await server.send("PUT", "/v1/files/global/a.txt", text: "content")
      #expect(upload.status == 503 && upload.headers["retry-after"] == "1")
    }
  }

  /// Goal: a query costs no more than the parameters that a route can have.
  ///
  /// Method: as many as are taken, each unknown, and one more.
  @Test func `a query has a bound of parameters`() async throws {
    try await withServer { server in
      func names(_ count: Int) -> String {
        (0..<count).map { "p\($0)=1" }.joined(separator: "&")
      }
      let known = try await server.send("GET", "/v1/kv/global?" + names(64))
      #expect(known.status == 400 && known.details["parameter"] == "p0")
      let tooMany = try await server.send("GET", "/v1/kv/global?" + names(65))
      #expect(tooMany.status == 400 && tooMany.details["parameter"] == nil)
    }
  }

  /// Goal: many large values are not all read for an answer that holds a few.
  ///
  /// Method: one value of half a page, asked for a hundred times: of the first part that is read
  /// the answer holds what fits, and says where to go on.
  @Test func `many entries end at the size of a page`() async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 2_000
    try await withServer(store: options) { server in
      let kv = server.store.kv(.global)
      try await kv.put("a", .string(String(repeating: "x", count: 1_000)))
      let keys = Array(repeating: "a", count: 100)
      #expect(try await kv.getPage(keys).count == 2)
      // What came before says nothing of what comes.
      let mixed = (0..<50).map { "m\($0)" } + keys
      #expect(try await kv.getPage(mixed).count == 52)
      #expect(try await kv.getMany(keys).count == 100)
      let answer = try await server.send(
        "POST", "/v1/kv/global/get-many", ["keys": .array(keys.map(Value.string))])
      #expect(answer.body["items"]?.arrayValue?.count == 2)
      #expect(answer.body["next"] == "a")
      let missing = (0..<1_000).map { "m\($0)" }
      #expect(try await kv.getPage(missing).count == 1_000)
    }
  }

  /// Goal: beyond this machine a server answers to every name, unless it was given its own.
  @Test func `a server with names of its own answers to those`() throws {
    func head(_ authority: String) -> HTTPRequest {
      HTTPRequest(method: .get, scheme: "http", authority: authority, path: "/")
    }
    let open = HostCheck(address: "0.0.0.0", hosts: [], origins: [])
    try open.check(head("anything.example"))
    let named = HostCheck(address: "0.0.0.0", hosts: ["db.example"], origins: [])
    try named.check(head("DB.example:7420"))
    for other in ["localhost:7420", "127.0.0.1", "evil.example"] {
      #expect(throws: Refusal.self) { try named.check(head(other)) }
    }
  }
}
