import Holdfast

/// Mode `watch`: says `saw KEY VERSION MICROSECONDS` of each change in one namespace.
struct Watching: Sendable {
  let store: Store
  let settings: Settings

  func run() async throws {
    let namespace = try Namespace(settings.text("namespace") ?? "global")
    let cursor = try await store.changes.cursor()
    Report.line("watching")
    for try await change in store.kv(namespace).watch(since: cursor) {
      Report.line("saw \(change.subject ?? "-") \(change.revision) \(Report.microseconds)")
      if Input.isOver { return }
    }
  }
}
