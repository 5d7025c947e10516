import Foundation
import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// What a person or script is told when something cannot be: an exit code, and what to do.
@Suite(.timeLimit(.minutes(5))) struct RefusalVerbs {
  /// Opens a place's store in this process and changes it as somebody with an SQL tool could.
  private func tamper(_ place: Place, _ statements: String...) async throws {
    let store = try await Store.open(StoreLocation(place.store), options: .testing())
    do {
      _ = try await store.engine.write(WriteOptions(), statements.map { Step(Statement($0)) })
    } catch {
      await store.close()
      throw error
    }
    await store.close()
  }

  /// Expects a refusal with an exit code that says something, nothing of it on standard output.
  private func expectRefusal(
    _ outcome: Tool.Outcome, _ code: Int32, saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.code == code, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    for word in words {
      #expect(
        outcome.errors.contains(word), "\(word): \(outcome.errors)",
        sourceLocation: sourceLocation)
    }
  }

  /// Goal: a store that a newer program has written is neither read nor written, and says what to
  /// do.
  ///
  /// Method: a file whose version is one that no program knows yet, at a read, a write and migrate.
  @Test func `a store of a newer version is refused`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "a", "1")
    try await tamper(place, "PRAGMA user_version = 9999")
    for arguments in [
      ["kv", "get", "run:1", "a"], ["kv", "put", "run:1", "a", "2"], ["migrate"],
    ] {
      let outcome = try await Tool.run(
        .holdfast, arguments, environment: ["HOLDFAST_STORE": place.store], folder: place.folder)
      expectRefusal(outcome, 78, saying: "version 9999", "Run that version of Holdfast")
    }
  }

  /// Goal: a path at which no store can be is refused, and nothing is left there.
  ///
  /// Method: a folder, a device, and a file where a folder should be.
  @Test func `a path that cannot be a store is refused`() async throws {
    let place = try await Place()
    let file = try place.file("file", "text")
    let before = try FileManager.default.contentsOfDirectory(atPath: place.folder)
    for path in [place.folder, "/dev/null", file + "/store.db"] {
      let outcome = try await place.holdfast("kv", "put", "run:1", "a", "1", "--store", path)
      expectRefusal(outcome, 64, saying: path == "/dev/null" ? path : place.folder)
    }
    let after = try FileManager.default.contentsOfDirectory(atPath: place.folder)
    #expect(after.sorted() == before.sorted())
  }

  /// Goal: an approval whose time is over is decided by nobody.
  ///
  /// Method: one that had a millisecond, which is over before the next program has begun.
  @Test(arguments: Engines.available)
  func `an expired approval is not decided`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    try await place.done("approval", "request", "send", "--id", "a1", "--ttl", "1ms")
    for verb in [["decide", "a1", "approve"], ["approve", "a1"], ["deny", "a1"]] {
      let outcome = try await Tool.run(
        .holdfast, ["approval"] + verb, environment: ["HOLDFAST_STORE": place.store],
        folder: place.folder)
      expectRefusal(outcome, 65, saying: "expired")
    }
    #expect(try await place.done("approval", "get", "a1").contains("status\texpired\n"))
  }

  /// Goal: a lease of no time or of a year is refused by name, and nothing is claimed.
  @Test func `a lease that cannot be is refused`() async throws {
    let place = try await Place()
    try await place.done("task", "enqueue", "work", "--id", "t1")
    for lease in ["0s", "500ms", "365d"] {
      let outcome = try await place.holdfast("task", "claim", "--lease", lease)
      expectRefusal(outcome, 64, saying: "lease")
    }
    #expect(try await place.done("task", "get", "t1").contains("status\tpending\n"))
  }

  /// Goal: a provider whose row is damaged is told as what it is, and hides no other.
  ///
  /// Method: a row that somebody spoilt with an SQL tool, at each verb.
  @Test func `a damaged provider is told`() async throws {
    let place = try await Place()
    try await place.done("provider", "put", "bad", "--priority", "1")
    try await place.done("provider", "put", "good", "--priority", "2")
    try await tamper(
      place, "PRAGMA ignore_check_constraints = 1",
      "UPDATE provider_health SET consecutive_failures = -1 WHERE name = 'bad'",
      "PRAGMA ignore_check_constraints = 0")
    for verb in ["get", "acquire", "success"] {
      expectRefusal(try await place.holdfast("provider", verb, "bad"), 74, saying: "bad")
    }
    #expect(try await place.done("provider", "get", "good").contains("circuit\tclosed\n"))
    #expect(try await place.holdfast("provider", "list").output.contains("good"))
    #expect(try await place.holdfast("verify").code == 74)
  }
}
