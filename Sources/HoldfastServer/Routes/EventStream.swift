import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird
import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// Changes as server-sent events, until the client leaves, its token ends or the server stops.
///
/// One task looks for changes and the connection's own writes them, with one piece between the two:
/// a slow reader holds the first up and not the memory. Every piece carries the place to resume
/// from.
enum EventStream {
  /// How long a token is trusted without another look, while the feed tells of none revoked.
  private static let trustedFor = Duration.seconds(1)

  /// The answer that streams.
  ///
  /// - Parameter watch: What the client watches.
  /// - Returns: An answer whose body lasts.
  static func response(_ watch: Watch) -> Response {
    let headers: HTTPFields = [
      .contentType: "text/event-stream", .cacheControl: "no-store",
      .of("X-Accel-Buffering"): "no",
    ]
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        let pieces = Handoff<[UInt8]>()
        let pump = Task {
          await run(watch, into: pieces)
          pieces.finish()
        }
        let stop: @Sendable () -> Void = {
          pump.cancel()
          pieces.finish()
        }
        Departure.watch(watch.call.channel, stop)
        defer {
          Departure.forget(watch.call.channel)
          stop()
        }
        try await withGracefulShutdownHandler {
          while let piece = await pieces.next() {
            try await writer.write(ByteBuffer(bytes: piece))
          }
        } onGracefulShutdown: {
          stop()
        }
        try await writer.finish(nil)
      })
  }

  private static func run(_ watch: Watch, into pieces: Handoff<[UInt8]>) async {
    do throws(StoreError) {
      try await pump(watch, into: pieces)
    } catch {
      guard !Task.isCancelled else { return }
      let problem = Value.object(error.problem(typeBase: ""))
      _ = await pieces.send(Array("event: error\ndata: \(problem.json)\n\n".utf8))
    }
  }

  private static func pump(
    _ watch: Watch, into pieces: Handoff<[UInt8]>
  ) async throws(StoreError) {
    let call = watch.call
    let time = call.core.time
    let iterator = call.store.changes(since: watch.cursor, filter: watch.filter)
      .makeAsyncIterator()
    var written = time.monotonicTime()
    var trusted = written
    guard await pieces.send(heartbeat(watch.cursor)) else { return }
    while !Task.isCancelled {
      let quiet = time.monotonicTime() - written
      let left = max(call.core.options.heartbeat - quiet, .zero)
      let changes = try await iterator.batch(waitingAtMost: left, stopsAtTokens: true)
        .filter(call.access.shows)
      let now = time.monotonicTime()
      // Nothing that came after the token was revoked may be sent, however soon it came.
      if iterator.takeTokensMet() || now - trusted >= trustedFor {
        try await call.core.trust(call)
        trusted = now
      }
      let piece: [UInt8]
      if !changes.isEmpty {
        piece = changes.reduce(into: []) { $0 += event($1) }
      } else if now - written >= call.core.options.heartbeat {
        piece = heartbeat(iterator.position ?? watch.cursor)
      } else {
        continue
      }
      guard await pieces.send(piece) else { return }
      written = now
    }
  }

  private static func event(_ change: Change) -> [UInt8] {
    Array("id: \(change.cursor)\ndata: ".utf8) + change.json.jsonBytes + Array("\n\n".utf8)
  }

  /// No event, but a new place to resume from: a browser takes the id of an event without data.
  private static func heartbeat(_ cursor: ChangeCursor) -> [UInt8] {
    Array(": heartbeat\nid: \(cursor)\n\n".utf8)
  }
}
