import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct HiddenPagesTests {
  /// Goal: whoever reaches some namespaces only sees each of their things once through the pages of
  /// a list, whatever enters and leaves the list meanwhile.
  ///
  /// Method: runs to be seen lie between hidden ones, whose tags somebody takes away and gives back
  /// without a pause; the list of the tag is walked through again and again.
  @Test(arguments: Engines.available)
  func `pages neither skip nor repeat while the rest changes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let (runs, shown) = (server.store.runs, ["a", "b", "c", "d", "e", "f"])
      for run in shown {
        try await runs.begin(run, tags: ["t"])
        try await runs.begin("hidden " + run, tags: ["t"])
      }
      let patterns = try shown.map { try NamespacePattern("run:" + $0) }
      let token = try await server.store.tokens.create("some", role: .reader, patterns: patterns)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          while !Task.isCancelled {
            for tags in [[], ["t"]] {
              for run in shown { try await runs.update("hidden " + run, tags: tags) }
            }
          }
        }
        for _ in 0..<10 {
          var seen: [String] = []
          var next: String? = ""
          while let after = next, seen.count <= shown.count {
            let place = after.isEmpty ? "" : "&after=" + after
            let page = try await server.send(
              "GET", "/v1/runs?tag=t&limit=1" + place, as: token.secret)
            seen += page.body["items"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
            next = page.body["next"]?.stringValue
          }
          #expect(seen == shown.reversed())
        }
        group.cancelAll()
      }
    }
  }
}
