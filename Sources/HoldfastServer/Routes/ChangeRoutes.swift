import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// The change feed: as server-sent events, or as a long poll with `wait`.
enum ChangeRoutes {
  static let all = [
    Route(.get, "/v1/changes", role: .reader, pace: .waiting, answer: changes)
  ]

  private static let lastEventField = HTTPField.Name.of("Last-Event-ID")

  private static func changes(_ call: Call) async throws -> Response {
    let (since, filter, wait) = try call.query { query throws(Refusal) in
      (
        query.text("since"),
        ChangeFilter(
          namespace: try query.namespace("namespace"), prefix: query.text("prefix") ?? "",
          kind: query.text("kind")),
        try query.wait("wait")
      )
    }
    if let namespace = filter.namespace {
      try call.requireRead(
        namespace,
        orElse: StoreError(
          .notFound, "There is no such namespace.", hint: "Watch one that the token reaches."))
    }
    // A client that comes back sends its first query again, and where it was in the header field.
    let cursor: ChangeCursor
    if let text = call.headers[lastEventField] ?? since {
      cursor = try ChangeCursor(text)
      // What cannot be gone on from is told by a status, which a stream that has begun has no more.
      _ = try await call.store.changes.page(since: cursor, filter: filter)
    } else {
      cursor = try await call.store.changes.cursor()
    }
    let watch = Watch(call: call, cursor: cursor, filter: filter)
    guard let wait else { return EventStream.response(watch) }
    return try await poll(watch, min(wait, call.core.options.waitMax))
  }

  /// The changes that are there, or the first that come within a time.
  ///
  /// The place to go on from comes along even when there are none.
  private static func poll(_ watch: Watch, _ wait: Duration) async throws -> Response {
    let (changes, next) = try await watch.call.waiting {
      try await watch.first(within: wait)
    }
    try await watch.call.core.trust(watch.call)
    return .json(
      .object(Value.page(changes.map(\.json), next: next.description)),
      headers: [.cacheControl: "no-store"])
  }
}

/// What one client watches.
struct Watch: Sendable {
  let call: Call
  let cursor: ChangeCursor
  let filter: ChangeFilter

  /// The first changes within a time, and the place behind all that was looked at.
  func first(within wait: Duration) async throws(StoreError) -> ([Change], ChangeCursor) {
    let time = call.core.time
    let end = time.monotonicTime() + wait
    let iterator = call.store.changes(since: cursor, filter: filter).makeAsyncIterator()
    while true {
      let left = max(end - time.monotonicTime(), .zero)
      let batch = try await iterator.batch(waitingAtMost: left)
      let changes = batch.filter(call.access.shows)
      guard changes.isEmpty, !batch.isEmpty else { return (changes, iterator.position ?? cursor) }
    }
  }
}
