import Foundation
import HoldfastTesting
import Testing

/// `holdfast serve`, and the verbs that speak to it.
@Suite(.timeLimit(.minutes(5))) struct ServeVerb {
  /// Goal: one vocabulary: `--json` is what HTTP gives, with or without a network.
  ///
  /// Method: on a store with keys, runs, bots and a token, every reading verb is asked on the file
  /// and on the server; both are byte for byte the body that a plain HTTP request gets.
  @Test(arguments: Engines.available)
  func `--json is what HTTP gives`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let server = try await place.serve()
    for key in ["a", "b", "c"] {
      try await place.done(
        "kv", "put", "run:1", key, #"{"n":1.0}"#, environment: server.environment)
    }
    try await place.done("run", "begin", "1", "--tag", "x")
    try await place.done("bot", "create", "mailer", "--id", "b1")
    let cases = [
      (["kv", "get", "run:1", "a"], "/v1/kv/run:1/a"),
      (["kv", "list", "run:1", "--limit", "2"], "/v1/kv/run:1?limit=2"),
      (["kv", "list", "run:1", "--values", "--after", "a"], "/v1/kv/run:1?values=true&after=a"),
      (["kv", "count", "run:1"], "/v1/kv/run:1?count=true&limit=1"),
      (["kv", "namespaces", "--count"], "/v1/kv?count=true"),
      (["run", "get", "1"], "/v1/runs/1"),
      (["run", "list", "--status", "active"], "/v1/runs?status=active"),
      (["bot", "get", "b1"], "/v1/bots/b1"), (["bot", "list"], "/v1/bots"),
      (["token", "list"], "/v1/tokens"),
    ]
    for (arguments, path) in cases {
      let body = try await server.get(path) + "\n"
      let environments = [["HOLDFAST_STORE": place.store], server.environment]
      for environment in environments {
        let outcome = try await Tool.run(
          .holdfast, arguments + ["--json"], environment: environment, folder: place.folder)
        #expect(outcome.output == body, "\(arguments)")
        #expect(outcome.errors.isEmpty, "\(arguments)")
      }
    }
  }

  /// Goal: a server that is told to stop finishes, and one that is killed loses nothing.
  ///
  /// Method: SIGTERM ends it with 0; SIGKILL in the middle leaves what was acknowledged, and the
  /// next server finds the same admin's token.
  @Test(arguments: Engines.available)
  func `a server stops in order, and survives being killed`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let first = try await place.serve()
    try await place.done("kv", "put", "run:1", "key", "1", environment: first.environment)
    first.tool.signal(SIGKILL)
    #expect(await first.tool.finish().signal == SIGKILL)
    let second = try await place.serve()
    #expect(second.token == first.token)
    #expect(second.tool.said.contains("holdfast token create"))
    #expect(
      try await place.done("kv", "get", "run:1", "key", environment: second.environment) == "1\n")
    second.tool.signal(SIGTERM)
    let end = await second.tool.finish()
    #expect(end.code == 0)
    #expect(end.output.isEmpty)
    #expect(end.errors.hasSuffix("Stopped.\n"))
    let gone = try await place.holdfast(
      "kv", "get", "run:1", "key", environment: second.environment)
    #expect(gone.code == 69)
  }

  /// Goal: the admin's token is for its owner alone.
  ///
  /// Method: the file has the mode 0600 and the folder 0700; a secret from outside needs no file; a
  /// wrong token exits 77.
  @Test func `the admin's token is kept close`() async throws {
    let place = try await Place()
    let server = try await place.serve()
    let manager = FileManager.default
    let file = try manager.attributesOfItem(atPath: place.folder + "/data/admin-token")
    #expect(file[.posixPermissions] as? Int == 0o600)
    let folder = try manager.attributesOfItem(atPath: place.folder + "/data")
    #expect(folder[.posixPermissions] as? Int == 0o700)
    var wrong = server.environment
    wrong["HOLDFAST_TOKEN"] = "hf_nobody-has-this-token-at-all"
    #expect(try await place.holdfast("kv", "namespaces", environment: wrong).code == 77)
    wrong["HOLDFAST_TOKEN"] = "two words"
    #expect(try await place.holdfast("kv", "namespaces", environment: wrong).code == 77)
    wrong["HOLDFAST_TOKEN"] = server.token + "\n"
    try await place.done("kv", "namespaces", environment: wrong)
    wrong["HOLDFAST_TOKEN"] = nil
    #expect(try await place.holdfast("kv", "namespaces", environment: wrong).code == 77)
    let other = try await Place()
    let secret = "hf_from-outside-0123456789"
    let given = try await other.serve(environment: ["HOLDFAST_ADMIN_TOKEN": secret])
    #expect(!manager.fileExists(atPath: other.folder + "/data/admin-token"))
    var environment = given.environment
    environment["HOLDFAST_TOKEN"] = secret
    try await other.done("kv", "namespaces", environment: environment)
  }

  /// Goal: what is wrong by itself is told before a store is made, in words; what the server does
  /// at its start is done by whoever started it.
  ///
  /// Method: a secret that is too short, a certificate that is none, folders that cannot be; then
  /// the record of the admin's token.
  @Test func `what is wrong is told before a store is made`() async throws {
    let place = try await Place()
    let short = try await place.holdfast(
      "serve", "--port", "0", environment: ["HOLDFAST_ADMIN_TOKEN": "short"])
    #expect(short.code == 64 && short.errors.contains("20 bytes"))
    let none = try place.file("none.pem", "none")
    let certificate = try await place.holdfast(
      "serve", "--port", "0", "--tls-certificate", none, "--tls-key", none)
    #expect(certificate.code == 64)
    #expect(!FileManager.default.fileExists(atPath: place.store))
    let noFolder = try await place.holdfast("serve", "--port", "0", "--data", none)
    #expect(noFolder.code == 69 && noFolder.errors.contains("Not a directory"))
    #expect(noFolder.errors.contains("none.pem/admin-token"))
    let noPlace = try await Tool.run(
      .holdfast, ["serve", "--port", "0", "--data", "/proc"], folder: place.folder)
    #expect(noPlace.code == 69 && noPlace.errors.contains("No such file or directory"))
    _ = try await place.serve()
    let list = try await place.done("audit", "list", "--action", "token.create")
    #expect(list.contains("\tlocal:") && !list.contains("library"))
  }

  /// Goal: what cannot be served or asked is told, with a code that says what to do.
  ///
  /// Method: a port in use, addresses in clear over a network, addresses that are none, a server
  /// that is not there and one that is not ours.
  @Test func `what cannot be reached is told`() async throws {
    let place = try await Place()
    let server = try await place.serve()
    let second = try await Tool.run(
      .holdfast, ["serve", "--port", String(server.port), "--data", place.folder + "/other"],
      folder: place.folder)
    #expect(second.code == 69)
    #expect(second.errors.contains("Another program listens"))
    for address in ["http://example.com:7420", "http://10.0.0.1", "http://127.0.0.1.example.com"] {
      let outcome = try await place.holdfast("kv", "namespaces", "--store", address)
      #expect(outcome.code == 64, "\(address)")
      #expect(outcome.errors.contains("in clear"))
    }
    for address in ["http://", "https://a/b", "https://user:secret@host", "http://localhost:1?x"] {
      let outcome = try await place.holdfast("kv", "namespaces", "--store", address)
      #expect(outcome.code == 64, "\(address)")
      #expect(!outcome.errors.contains("secret"))
    }
    let nobody = try await place.holdfast("kv", "namespaces", "--store", "http://127.0.0.1:1")
    #expect(nobody.code == 69)
    for own in [["migrate"], ["verify"], ["serve"]] {
      let outcome = try await Tool.run(.holdfast, own + ["--store", "http://127.0.0.1:1"])
      #expect(outcome.code == 64, "\(own)")
    }
  }
}
