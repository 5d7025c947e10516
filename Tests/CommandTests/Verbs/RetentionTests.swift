import HoldfastTesting
import Testing

/// The verbs of retention.
@Suite struct RetentionVerbs {
  /// Goal: policies are listed and set, and retention runs, dry first.
  ///
  /// Method: each verb once; a negative age exits 64.
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
    #expect(try await place.done("retention", "run").contains("total\t0\n"))
    #expect(try await place.holdfast("retention", "set", "tasks", "--keep-for", "-1s").code == 64)
    try await place.done("retention", "size", "1000000000")
    try await place.done("retention", "size")
  }
}
