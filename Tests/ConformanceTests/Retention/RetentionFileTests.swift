import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RetentionFileTests {
  /// Goal: files keep as many versions as is told, in general and in one namespace, and a dry run
  /// says beforehand how many go.
  ///
  /// Method: files with several versions in three namespaces, more of them than one transaction
  /// trims; policies come one after the other.
  @Test(arguments: Engines.available)
  func `files keep their newest versions`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let places: [Namespace] = [.run("a"), .run("b"), .bot("c")]
      for place in places {
        for number in 0..<12 {
          for version in 0..<UInt8(4) {
            try await store.files(place).save("f\(number)", [version])
          }
        }
      }
      func versions() async throws -> [[Int]] {
        var all: [[Int]] = []
        for place in places {
          all.append(try await store.files(place).list().items.map(\.versions))
        }
        return all
      }
      func run(removes count: Int) async throws {
        let before = try await versions()
        #expect(try await store.retention.run(dryRun: true).counts[.files] == count)
        #expect(try await versions() == before)
        #expect(try await store.retention.run().counts[.files] == count)
        #expect(try await store.retention.run(dryRun: true).counts[.files] == 0)
      }
      func shown(_ counts: [Int]) -> [[Int]] { counts.map { Array(repeating: $0, count: 12) } }

      try await run(removes: 0)
      try await store.retention.setPolicy(
        RetentionPolicy(keepLast: 2), for: RetentionScope(.files, in: .run("b")))
      try await run(removes: 24)
      #expect(try await versions() == shown([4, 2, 4]))
      try await store.retention.setPolicy(
        RetentionPolicy(keepLast: 3), for: RetentionScope(.files))
      try await run(removes: 24)
      #expect(try await versions() == shown([3, 2, 3]))
      try await store.retention.setPolicy(
        RetentionPolicy(keepLast: 1), for: RetentionScope(.files, in: .bot("c")))
      try await run(removes: 24)
      #expect(try await versions() == shown([3, 2, 1]))
      for place in places {
        #expect(try await store.files(place).read("f7") == [3])
      }
      try await store.sweep()
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 72)
    }
  }

  /// Goal: who changes what is kept is on record, and in the feed.
  ///
  /// Method: a policy set, changed and taken back, and a size; each is looked at in both places.
  @Test(arguments: Engines.available)
  func `a change of policy is on record`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      let scope = RetentionScope(.files, in: .run("b"))
      try await store.retention.setPolicy(RetentionPolicy(keepLast: 2), for: scope)
      try await store.retention.setPolicy(RetentionPolicy(keepLast: 3), for: scope)
      try await store.retention.setPolicy(nil, for: scope)
      try await store.retention.setSizeMax(1 << 30)
      let events = try await store.changes.all(since: cursor).filter { $0.kind == "retention" }
      let records = try await store.audit.list(AuditQuery(action: "retention.policy")).items
      #expect(events.count == 4 && records.count == 4)
      for (event, record) in zip(events, records.reversed()) {
        #expect(event.operation == record.result && event.subject == record.subject)
      }
      #expect(events.map(\.operation) == ["put", "put", "delete", "put"])
    }
  }
}
