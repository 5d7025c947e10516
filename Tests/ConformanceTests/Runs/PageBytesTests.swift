import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct PageBytesTests {
  private typealias List = @Sendable (_ after: String?) async throws -> (count: Int, next: String?)

  /// Goal: a page of any list ends before an answer grows without bound, holds at least one item,
  /// and leads on.
  ///
  /// Method: items of about 2 KiB where a page ends past 3 KiB: two a page, to the end.
  @Test(arguments: Engines.available)
  func `a page ends early where its items are long`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 3 << 10
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let long = Value.string(String(repeating: "x", count: 2 << 10))
      for number in 0..<5 {
        try await store.runs.begin("\(number)", metadata: ["long": long])
        try await store.bots.create(slug: "\(number)", metadata: ["long": long])
        try await store.audit.record(AuditEntry(action: "long", details: ["long": long]))
      }
      let lists: [(name: String, page: List)] = [
        (
          "runs",
          { after in
            let page = try await store.runs.list(RunQuery(after: after))
            return (page.items.count, page.next)
          }
        ),
        (
          "bots",
          { after in
            let page = try await store.bots.list(after: after)
            return (page.items.count, page.next)
          }
        ),
        (
          "audit",
          { after in
            let page = try await store.audit.list(AuditQuery(action: "long", after: after))
            return (page.items.count, page.next)
          }
        ),
      ]
      for list in lists {
        var counts: [Int] = []
        var after: String?
        repeat {
          let page = try await list.page(after)
          counts.append(page.count)
          after = page.next
        } while after != nil
        #expect(counts == [2, 2, 1], "\(list.name)")
      }
    }
  }
}
