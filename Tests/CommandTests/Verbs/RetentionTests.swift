import Holdfast
import HoldfastCore
import HoldfastEngine
import HoldfastTesting
import Testing

@testable import HoldfastCommand

/// The verbs of retention.
@Suite(.timeLimit(.minutes(5))) struct RetentionVerbs {
  /// Goal: policies are listed and set, and retention runs, dry first.
  ///
  /// Method: each verb once; a negative age, a pattern, and a run that nobody said yes to exit 64.
  @Test(arguments: Engines.available)
  func `retention goes by verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    try await place.done("kv", "put", "global", "k", "1")
    let listed = try await place.holdfast("retention", "list")
    #expect(listed.lines.first { $0.hasPrefix("tasks\t") }?.contains("\t7d\t") == true)
    let set = try await place.done(
      "retention", "set", "tasks", "--namespace", "run:a", "--keep-for", "30d")
    #expect(set.contains("tasks\trun:a\tfalse\t30d\t"))
    #expect(try await place.done("retention", "run", "--dry-run").contains("dry_run\ttrue\n"))
    #expect(try await place.done("retention", "run", "--yes").contains("total\t0\n"))
    #expect(try await place.holdfast("retention", "set", "tasks", "--keep-for", "-1s").code == 64)
    let pattern = try await place.holdfast(
      "retention", "set", "tasks", "--namespace", "run:**", "--keep-last", "1")
    #expect(pattern.code == 64 && pattern.errors.contains("not for a pattern"))
    let unasked = try await place.holdfast("retention", "run")
    #expect(unasked.code == 64 && unasked.errors.contains("--yes"))
    let limited = try await place.done("retention", "size", "1000000000")
    #expect(limited.contains("size_max\t1000000000\n"))
    #expect(try await place.holdfast("retention", "list").errors.contains("above 1000000000 "))
    #expect(try await place.done("retention", "size").contains("size_max\t\n"))
    #expect(try await place.holdfast("retention", "list").errors.isEmpty)
  }

  /// Goal: who runs retention by a timer notices by the exit code that a kind failed, and which.
  ///
  /// Method: audit records are edited that have to go; the run, for a person and as JSON.
  @Test(arguments: Engines.available)
  func `a run that fails on a kind exits with its code`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for _ in 0..<4 { try await place.done("audit", "record", "a") }
    try await place.done("retention", "set", "audit", "--keep-last", "0")
    let store = try await Store.open(StoreLocation(place.store), options: .testing())
    let edit = Statement("UPDATE audit_log SET action = 'x' WHERE action = 'a'")
    _ = try await store.engine.write(WriteOptions(), [Step(edit)])
    await store.close()
    let run = try await place.holdfast("retention", "run", "--yes")
    #expect(run.code == 74 && run.output.contains("complete\tfalse\n"))
    #expect(run.errors.contains("Could not go through audit: corrupt."))
    let json = try await place.holdfast("retention", "run", "--json", "--yes")
    #expect(json.code == 74 && json.output.contains(#""failures":{"audit":"corrupt"}"#))
    #expect(json.errors.isEmpty)
  }

  /// Goal: of several failures the one that needs somebody most gives the exit code.
  @Test func `damage is the worst failure`() {
    #expect(RetentionRun.worst(of: []) == nil)
    #expect(RetentionRun.worst(of: [.unavailable]) == .unavailable)
    #expect(RetentionRun.worst(of: [.unavailable, .exhausted]) == .exhausted)
    #expect(RetentionRun.worst(of: [.unavailable, .internal, .corrupt]) == .corrupt)
  }
}
