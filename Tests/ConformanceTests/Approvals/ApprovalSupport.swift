import Holdfast
import HoldfastTesting

extension Changes {
  /// The events of approvals, policies and grants that some work leaves in the feed, as "operation
  /// subject".
  func told(by work: () async throws -> Void) async throws -> [String] {
    let cursor = try await cursor()
    try await work()
    return try await all(since: cursor)
      .filter { ["approval", "policy", "grant"].contains($0.kind) }.map(\.summary)
  }
}

extension Store {
  /// Makes a task, and gives its identifier.
  func makeTask(run: String? = nil) async throws -> String {
    try await tasks.enqueue("work", run: run).task.id
  }
}
