import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.timeLimit(.minutes(2))) struct TokenTests {
  /// Goal: a token's secret is shown once, works at once, and ends at once.
  ///
  /// Method: make, use, list, look at and revoke one, on every engine.
  @Test(arguments: Engines.available)
  func `a token lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send(
        "POST", "/v1/tokens",
        ["name": "a b", "role": "agent", "namespaces": ["users:*"], "ttl": "1h"])
      #expect(made.status == 201)
      #expect(made.headers["location"] == "/v1/tokens/a%20b")
      let secret = try #require(made.body["secret"]?.stringValue)
      #expect(secret.hasPrefix("hf_") && secret.utf8.count == 46)
      #expect(made.body["namespaces"] == ["users:*"])
      let used = try await server.send("PUT", "/v1/kv/users:u1/k", ["value": 1], as: secret)
      #expect(used.status == 201)
      let list = try await server.send("GET", "/v1/tokens")
      #expect(list.body["items"]?.arrayValue?.map { $0["name"] } == ["a b", "root"])
      #expect(!list.text.contains(secret))
      let one = try await server.send("GET", "/v1/tokens/a%20b")
      #expect(one.body["role"] == "agent")
      #expect(one.body["secret"] == nil)
      let again = try await server.send("POST", "/v1/tokens", ["name": "a b", "role": "reader"])
      #expect(again.status == 409)
      #expect(try await server.send("DELETE", "/v1/tokens/a%20b").status == 204)
      #expect(try await server.send("DELETE", "/v1/tokens/a%20b").status == 404)
      #expect(try await server.send("GET", "/v1/kv/users:u1/k", as: secret).status == 401)
    }
  }

  /// Goal: nobody makes a token that reaches further than their own.
  ///
  /// Method: an administrator of some namespaces, and bodies that are wrong.
  @Test func `a token cannot be made by a lesser one`() async throws {
    try await withServer { server in
      let lesser = try await server.token(.admin, "users:**")
      for (method, path) in [
        ("POST", "/v1/tokens"), ("GET", "/v1/tokens"), ("GET", "/v1/tokens/root"),
        ("DELETE", "/v1/tokens/root"),
      ] {
        let body: Value? = method == "POST" ? ["name": "x", "role": "admin"] : nil
        #expect(try await server.send(method, path, body, as: lesser).status == 403)
      }
      let none = try await server.send(
        "POST", "/v1/tokens", ["name": "x", "role": "reader", "namespaces": []])
      #expect(none.status == 422 && none.details["reason"] == "empty")
      let bodies: [(Value, String)] = [
        (["name": "x"], "role"), (["name": "x", "role": "king"], "role"),
        (["name": "x", "role": "agent", "namespaces": ["a:*:b"]], "namespaces"),
        (["name": "x", "role": "agent", "ttl": "1 h"], "ttl"),
        (["name": "x", "role": "agent", "secret": "mine"], "secret"),
      ]
      for (body, field) in bodies {
        let answer = try await server.send("POST", "/v1/tokens", body)
        #expect(answer.status == 422)
        #expect(answer.details["field"] == .string(field))
      }
    }
  }

  /// Goal: whoever guesses waits longer each time, and a good token never waits.
  ///
  /// Method: failed sign-ins on a clock of the test's: no answer comes before it moves.
  @Test func `a failed sign-in is slowed down`() async throws {
    let time = ManualTimeSource()
    try await withStore(on: .sqlite, options: .testing(time: time)) { test in
      let signIn = SignIn(store: test.store, time: time)
      let good = try await test.store.tokens.create("t", role: .reader).secret
      let resting = time.sleeperCount
      for attempt in 0..<4 {
        async let refused: Access = signIn.access(
          [.authorization: "Bearer hf_guess"], from: nil)
        try await time.sleepers(atLeast: resting + 1)
        let access = try await signIn.access([.authorization: "Bearer \(good)"], from: nil)
        #expect(access.name == "t")
        time.advance(by: .milliseconds(20 << attempt))
        do {
          _ = try await refused
          Issue.record("a guess was taken")
        } catch let refusal as Refusal {
          #expect(refusal.status == 401)
        }
      }
    }
  }

  /// Goal: a new store gets an admin token in a file that only its owner reads, once.
  ///
  /// Method: ensure twice, use the secret, and look at the file's mode; then take up a file whose
  /// token the store never learned of.
  @Test(arguments: Engines.available)
  func `a new store gets an admin token`(on engine: TestEngine) async throws {
    let folder = try ScratchFolder.make()
    defer { ScratchFolder.remove(folder) }
    try await withStore(on: engine) { test in
      let path = folder + "/data/admin-token"
      let first = try await AdminToken.ensure(store: test.store, directory: folder + "/data")
      #expect(first == .written(path))
      let secret = try Self.read(path)
      #expect(try await test.store.tokens.authenticate(secret)?.role == .admin)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
      let again = try await AdminToken.ensure(store: test.store, directory: folder + "/data")
      #expect(again == .existing)
      #expect(try Self.read(path) == secret)
    }
    // A start that died before the store knew the token left the file; the next takes it up.
    try await withStore(on: engine) { test in
      let path = folder + "/data/admin-token"
      let secret = try Self.read(path)
      let taken = try await AdminToken.ensure(store: test.store, directory: folder + "/data")
      #expect(taken == .written(path))
      #expect(try await test.store.tokens.authenticate(secret)?.role == .admin)
    }
  }

  /// Goal: a token that was revoked stays so, whatever file or variable it stands in; and the file
  /// is not lost, for another store may know its token.
  ///
  /// Method: the token of the file is revoked, and the server starts again; the same with a secret
  /// from outside.
  @Test(arguments: Engines.available)
  func `a revoked admin token is never taken up again`(on engine: TestEngine) async throws {
    let folder = try ScratchFolder.make()
    defer { ScratchFolder.remove(folder) }
    try await withStore(on: engine) { test in
      let path = folder + "/admin-token"
      let tokens = test.store.tokens
      func start(_ secret: String? = nil) async throws -> AdminToken.Outcome {
        try await AdminToken.ensure(store: test.store, directory: folder, secret: secret)
      }
      #expect(try await start() == .written(path))
      #expect(try await start("hf_another-from-outside-0123456789") == .otherwise)
      #expect(try await start(try Self.read(path)) == .existing)
      for aside in ["", "-2"] {
        let secret = try Self.read(path)
        #expect(try await start() == .existing)
        try await tokens.revoke("admin")
        #expect(try await start() == .written(path))
        #expect(try await tokens.authenticate(secret) == nil)
        #expect(try Self.read(path + ".revoked" + aside) == secret)
        #expect(try await tokens.authenticate(try Self.read(path))?.role == .admin)
      }
      try await tokens.revoke("admin")
      let given = "hf_given-from-outside-0123456789"
      #expect(try await start(given) == .given)
      try await tokens.revoke("admin")
      let refused = await #expect(throws: StoreError.self) { try await start(given) }
      #expect(refused?.code == .conflict && refused?.details["reason"] == "used")
      #expect(try await tokens.authenticate(given) == nil)
    }
  }

  /// Goal: a secret is one token's for ever; a name is free again.
  @Test(arguments: Engines.available)
  func `a revoked token frees its name and not its secret`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tokens = test.store.tokens
      let first = try await tokens.create("a", role: .reader)
      try await tokens.revoke("a")
      #expect(try await !tokens.revoke("a"))
      #expect(try await tokens.list().items.isEmpty)
      let second = try await tokens.create("a", role: .agent)
      #expect(try await tokens.list().items.map(\.role) == [.agent])
      for secret in [first.secret, second.secret] {
        let used = await #expect(throws: StoreError.self) {
          try await tokens.create("b", role: .admin, secret: secret)
        }
        #expect(used?.code == .conflict && used?.details["field"] == "secret")
      }
      #expect(try await tokens.authenticate(first.secret) == nil)
      #expect(try await tokens.authenticate(second.secret)?.role == .agent)
    }
  }

  /// Goal: an admin who reaches some namespaces only cannot administer tokens, and does not count.
  @Test(arguments: Engines.available)
  func `an admin of some namespaces is not enough`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tokens = test.store.tokens
      _ = try await tokens.create("some", role: .admin, patterns: [NamespacePattern("a:**")])
      #expect(try await !tokens.hasAdmin())
      _ = try await tokens.create("all", role: .admin)
      #expect(try await tokens.hasAdmin())
    }
  }

  /// Goal: nobody acts under a name that stands for somebody else.
  @Test func `names of others are refused`() async throws {
    try await withServer { server in
      for name in ["local:root", "anonymous", "upkeep"] {
        let answer = try await server.send(
          "POST", "/v1/tokens", ["name": .string(name), "role": "reader"])
        #expect(answer.status == 422 && answer.details["reason"] == "reserved", "\(name)")
      }
    }
  }

  /// Goal: a secret from outside needs no file, and a name that is taken is no hindrance.
  ///
  /// Method: a store with a reader called admin.
  @Test func `a given secret becomes the admin's`() async throws {
    try await withStore(on: .sqlite) { test in
      _ = try await test.store.tokens.create("admin", role: .reader)
      let secret = "hf_given-from-outside-0123456789"
      let outcome = try await AdminToken.ensure(
        store: test.store, directory: "/nonexistent", secret: secret)
      #expect(outcome == .given)
      #expect(try await test.store.tokens.authenticate(secret)?.name == "admin-2")
    }
  }

  private static func read(_ path: String) throws -> String {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count].filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
