import Holdfast
import HoldfastServer
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ChangeTests {
  /// An event of a stream; one without data is a heartbeat.
  private struct Event {
    let id: String?
    let data: Value?

    init(_ text: String) {
      var id: String?
      var data: Value?
      for line in text.split(whereSeparator: \.isNewline) {
        if line.hasPrefix("id: ") { id = String(line.dropFirst(4)) }
        if line.hasPrefix("data: ") { data = try? Value(json: String(line.dropFirst(6))) }
      }
      self.id = id
      self.data = data
    }
  }

  /// Opens a stream, and hands over what reads its next event.
  private func stream(
    _ server: TestServer, _ query: String = "", as token: String? = nil,
    headers: [String: String] = [:], _ body: (() async throws -> Event) async throws -> Void
  ) async throws {
    try await Wire.with(port: server.port) { wire in
      try await wire.write(server.head("GET", "/v1/changes\(query)", as: token, headers: headers))
      let head = try await wire.read(through: "\r\n\r\n")
      #expect(head.hasPrefix("HTTP/1.1 200"))
      #expect(head.contains("text/event-stream"))
      try await body { Event(try await wire.read(through: "\n\n")) }
    }
  }

  /// Goal: a watcher sees every change once, and resumes exactly where it was.
  ///
  /// Method: watch on every engine, put, delete and clear, drop the connection after the first
  /// event and go on by `Last-Event-ID`, which comes before `since`.
  @Test(arguments: Engines.available)
  func `a stream resumes after the event it saw`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let kv = server.store.kv(.run("1"))
      var first: String?
      var beginning: String?
      try await stream(server) { next in
        let hello = try await next()
        #expect(hello.data == nil)
        beginning = hello.id
        let version = try await kv.put("a", "a secret").entry.version
        let event = try await next()
        #expect(event.data?["kind"] == "kv")
        #expect(event.data?["namespace"] == "run:1")
        #expect(event.data?["key"] == "a")
        #expect(event.data?["operation"] == "put")
        #expect(event.data?["revision"] == .integer(version))
        #expect(event.data?["cursor"] == event.id.map(Value.string))
        #expect(event.data?["below"] == nil)
        #expect(event.data?.json.contains("secret") == false)
        first = event.id
      }
      try await kv.delete("a")
      try await kv.put("b", 1)
      try await kv.clear(below: true)
      let last = ["Last-Event-ID": try #require(first)]
      let since = try #require(beginning)
      try await stream(server, "?since=\(since)", headers: last) { next in
        var seen: [String] = []
        while seen.count < 3 {
          guard let data = try await next().data else { continue }
          seen.append(
            "\(data["operation"]?.stringValue ?? "") \(data["key"]?.stringValue ?? "-")"
              + (data["below"] == true ? " below" : ""))
        }
        #expect(seen == ["delete a", "put b", "clear - below"])
      }
    }
  }

  /// Goal: a watcher gets what it asked for and what its token reaches, and nothing else.
  ///
  /// Method: changes in several places, ended by one that must come; a clear above reaches below.
  @Test func `a stream shows what was asked for and allowed`() async throws {
    try await withServer { server in
      let secret = try await server.token(.reader, "users:u1", "run:r:notes")
      func put(_ namespace: String, _ key: String) async throws {
        try await server.store.kv(Namespace(namespace)).put(key, 1)
      }
      try await stream(server, as: secret) { next in
        _ = try await next()
        try await put("global", "hidden")
        try await put("users:u2", "hidden")
        try await put("users:u1", "seen")
        #expect(try await next().data?["key"] == "seen")
        try await server.store.runs.begin("other")
        try await server.store.runs.begin("r")
        try await put("run:r:notes", "note")
        #expect(try await next().data?["key"] == "note")
        try await server.store.runs.delete("r")
        let deletion = try await next().data
        #expect(deletion?["kind"] == "run")
        #expect(deletion?["id"] == "r")
        #expect(deletion?["below"] == true)
      }
      try await stream(server, "?namespace=users:u1&prefix=p") { next in
        _ = try await next()
        try await put("users:u1", "other")
        try await put("users:u2", "p1")
        try await put("users:u1", "p1")
        #expect(try await next().data?["key"] == "p1")
      }
      let hidden = try await server.send("GET", "/v1/changes?namespace=global&wait=0s", as: secret)
      #expect(hidden.status == 404)
    }
  }

  /// Goal: a quiet stream says that it lives, and where to resume.
  ///
  /// Method: a heartbeat of a few milliseconds, and a change that the watcher may not see: the
  /// place moves on.
  @Test func `a quiet stream moves its place on`() async throws {
    try await withServer {
      $0.heartbeat = .milliseconds(20)
    } _: { server in
      let secret = try await server.token(.reader, "users:u1")
      try await stream(server, as: secret) { next in
        let start = try await next().id
        try await server.store.kv(.global).put("hidden", 1)
        var event = try await next()
        while event.id == start { event = try await next() }
        #expect(event.data == nil)
        let place = try ChangeCursor(try #require(event.id))
        #expect(try await server.store.changes.page(since: place).items.isEmpty)
      }
    }
  }

  /// Goal: a stream ends when its token is revoked.
  ///
  /// Method: revoke it, and read to the end.
  @Test func `a revoked token ends its stream`() async throws {
    try await withServer {
      $0.heartbeat = .milliseconds(50)
    } _: { server in
      let secret = try await server.token(.reader, name: "watcher")
      try await Wire.with(port: server.port) { wire in
        try await wire.write(server.head("GET", "/v1/changes", as: secret))
        _ = try await wire.read(through: "\n\n")
        try await server.store.tokens.revoke("watcher")
        let rest = try await wire.readToEnd()
        #expect(rest.contains("event: error"))
        #expect(rest.contains("unauthenticated"))
      }
    }
  }

  /// Goal: a stream shows nothing of what came after its token was revoked, however soon.
  ///
  /// Method: a revocation and a change right behind it, while the clock stands still.
  @Test(arguments: Engines.available)
  func `a stream shows nothing that came after its token`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let secret = try await server.token(.reader, name: "watcher")
      try await Wire.with(port: server.port) { wire in
        try await wire.write(server.head("GET", "/v1/changes", as: secret))
        _ = try await wire.read(through: "\n\n")
        try await server.store.kv(.global).put("before", 1)
        _ = try await wire.read(through: "before")
        try await server.store.tokens.revoke("watcher")
        try await server.store.kv(.global).put("after", 1)
        let rest = try await wire.readToEnd()
        #expect(rest.contains("unauthenticated") && !rest.contains("after"), "\(rest)")
      }
    }
  }

  /// Goal: a long poll answers at once when there is something, waits when there is nothing, and
  /// always says where to go on.
  ///
  /// Method: take the cursor without a wait, poll for what is there, then for what comes, on every
  /// engine, while the clock stands still; and a wait that is cut to the server's bound.
  @Test(arguments: Engines.available)
  func `a long poll waits no longer than it must`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) {
      $0.waitMax = .seconds(30)
    } _: { server in
      let now = try await server.send("GET", "/v1/changes?wait=0s")
      #expect(now.status == 200)
      #expect(now.body["items"] == [])
      let start = try #require(now.body["next"]?.stringValue)
      try await server.store.kv(.global).put("a", 1)
      let found = try await server.send("GET", "/v1/changes?since=\(start)&wait=30s")
      #expect(found.body["items"]?.arrayValue?.map { $0["key"] } == ["a"])
      let next = try #require(found.body["next"]?.stringValue)
      async let waiting = server.send("GET", "/v1/changes?since=\(next)&wait=1h")
      // The poll, and the one that reads the feed for all.
      try await time.sleepers(atLeast: 2)
      try await server.store.kv(.global).put("b", 1)
      let second = try await waiting
      #expect(second.body["items"]?.arrayValue?.map { $0["key"] } == ["b"])
      let last = try #require(second.body["next"]?.stringValue)
      async let capped = server.send("GET", "/v1/changes?since=\(last)&wait=1h")
      try await time.sleepers(atLeast: 2)
      time.advance(by: .seconds(30))
      let cut = try await capped
      #expect(cut.status == 200 && cut.body["items"] == [])
      #expect(cut.body["next"]?.stringValue != nil)
    }
  }

  /// Goal: a place that cannot be gone on from is told by a status, for streams too.
  ///
  /// Method: cursors that are none, and one of another store.
  @Test func `a place that is not kept is refused`() async throws {
    var foreign = ""
    try await withServer { other in
      foreign = try await other.store.changes.cursor().description
    }
    try await withServer { server in
      for query in ["since=x", "since=", "wait=5", "since=x&wait=1s", "wait=-1s", "limit=5"] {
        let answer = try await server.send("GET", "/v1/changes?\(query)")
        #expect(answer.status == 400, "\(query)")
      }
      for query in ["since=\(foreign)", "since=\(foreign)&wait=1s"] {
        let answer = try await server.send("GET", "/v1/changes?\(query)")
        #expect(answer.status == 410, "\(query)")
        #expect(answer.code == "trimmed")
      }
    }
  }

  /// Goal: a long poll hands out nothing to a token that was revoked while it waited.
  ///
  /// Method: a poll that waits, the revocation once it sleeps, and a change.
  @Test(arguments: Engines.available)
  func `a revoked token gets nothing from a long poll`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let secret = try await server.token(.reader, name: "r")
      let start = try await server.send("GET", "/v1/changes?wait=0s", as: secret)
      let next = try #require(start.body["next"]?.stringValue)
      async let waiting = server.send("GET", "/v1/changes?since=\(next)&wait=30s", as: secret)
      try await time.sleepers(atLeast: 2)
      try await server.store.tokens.revoke("r")
      try await server.store.kv(.global).put("after", 1)
      let answer = try await waiting
      #expect(answer.status == 401 && !answer.text.contains("after"), "\(answer.text)")
    }
  }
}
