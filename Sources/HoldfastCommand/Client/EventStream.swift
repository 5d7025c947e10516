import HoldfastCore
import HoldfastServer

/// Server-sent events as they come; comments are left out.
struct EventStream: AsyncSequence, Sendable {
  /// One event.
  struct Event: Sendable, Equatable {
    /// Where to go on after it.
    var id: String?
    /// What kind of event it is; `nil` for an ordinary one.
    var name: String?
    /// What it says; `nil` for a sign of life, which only says where to go on.
    var data: String?
  }

  private let body: APIBody

  /// Reads events.
  ///
  /// - Parameter body: The answer's body.
  init(_ body: APIBody) { self.body = body }

  func makeAsyncIterator() -> Iterator { Iterator(pieces: body.makeAsyncIterator()) }

  /// Puts events together from the pieces of a body, wherever they were cut.
  struct Iterator: AsyncIteratorProtocol {
    private var pieces: APIBody.Iterator
    private var lines = EventLines()
    private var ready: ArraySlice<Event> = []

    fileprivate init(pieces: APIBody.Iterator) { self.pieces = pieces }

    mutating func next() async throws -> Event? {
      while true {
        if let event = ready.popFirst() { return event }
        guard let piece = try await pieces.next() else { return nil }
        ready = lines.take(piece)[...]
      }
    }
  }
}

/// The lines of a stream of events, gathered until each event is whole.
struct EventLines {
  private var line: [UInt8] = []
  private var event = EventStream.Event()

  /// Takes more bytes.
  ///
  /// - Parameter bytes: What came.
  /// - Returns: The events that are whole now.
  mutating func take(_ bytes: [UInt8]) -> [EventStream.Event] {
    var events: [EventStream.Event] = []
    for byte in bytes {
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if line.isEmpty {
        if event != EventStream.Event() { events.append(event) }
        event = EventStream.Event()
      } else {
        field(String(decoding: line, as: UTF8.self))
      }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }

  private mutating func field(_ line: String) {
    let name = line.prefix { $0 != ":" }
    var value = line.dropFirst(name.count + 1)
    if value.first == " " { value.removeFirst() }
    switch name {
    case "id": event.id = String(value)
    case "event": event.name = String(value)
    case "data":
      event.data = event.data.map { $0 + "\n" + value } ?? String(value)
    default: break
    }
  }
}
