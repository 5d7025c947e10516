import ArgumentParser
import HoldfastCore
import Testing

@testable import HoldfastCommand

/// The command's parts, each by itself.
@Suite(.timeLimit(.minutes(5))) struct CommandParts {
  /// Goal: only this machine is spoken to in clear.
  ///
  /// Method: addresses of this machine and secure ones are servers; names that only look like this
  /// machine are refused.
  @Test func `only this machine is spoken to in clear`() throws {
    let fine = [
      "https://db.example", "https://db.example:7420/", "http://localhost:7420", "http://127.0.0.1",
      "http://127.1.2.3:80", "http://[::1]:7420", "http://LOCALHOST", "HTTPS://db.example",
    ]
    for address in fine {
      guard case .server(let server) = try StoreURL(address) else {
        Issue.record("\(address) is no server")
        continue
      }
      #expect(!server.hasSuffix("/"))
    }
    let refused = [
      "http://127.0.0.1.example.com", "http://127.0.0.1@example.com",
      "http://localhost.example.com",
      "http://127.example.com", "http://[::1].example.com", "http://0.0.0.0", "http://", "https://",
      "http://127.0.0.256", "https://host/path",
    ]
    for address in refused { #expect(throws: StoreError.self) { try StoreURL(address) } }
    for path in ["agents.db", "/a/b.db", "postgres://a@b/c", "httpd.db", "HTTPS:x"] {
      guard case .local(path) = try StoreURL(path) else {
        Issue.record("\(path) is a server")
        continue
      }
    }
  }

  /// Goal: no stored text can act on a terminal, and none is changed beyond recognition.
  ///
  /// Method: control characters, marks of direction and backslashes are escaped; letters, emoji and
  /// joiners are not; JSON stays the same JSON.
  @Test func `text is made printable`() throws {
    #expect(Printable.escaped("a\tb\nc\\d") == #"a\tb\nc\\d"#)
    #expect(Printable.escaped("\u{1B}[31m\u{9B}\u{7F}") == #"\u{1B}[31m\u{9B}\u{7F}"#)
    #expect(Printable.escaped("x\u{202E}y\u{2066}z\u{2028}") == #"x\u{202E}y\u{2066}z\u{2028}"#)
    for plain in ["héllo wörld", "日本語", "👩‍👩‍👧", "e\u{301}"] {
      #expect(Printable.escaped(plain) == plain)
    }
    let json = "\"\u{9B}31m\u{202E}\u{E0041}\""
    let printable = Printable.json(json)
    #expect(printable == #""\u009b31m\u202e\udb40\udc41""#)
    #expect(try Value(json: printable) == Value(json: json))
  }

  /// Goal: a table is as wide as its terminal, and a line a row in a pipe.
  ///
  /// Method: rows with wide characters and long cells are laid out for terminals of several widths.
  @Test(arguments: [24, 40, 80, 200])
  func `a table fits its terminal`(columns: Int) {
    var table = Table(["key", "value"])
    table.add([.init("日本語のキー"), .init(String(repeating: "long ", count: 30))])
    table.add([.init("short"), .init("x")])
    let text = table.text(for: Terminal(columns: columns, hasColour: false))
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { Printable.width($0) <= columns })
    #expect(lines[1].contains("…") == (columns < 160))
    let pipe = table.text(for: Terminal(columns: nil, hasColour: false))
    #expect(pipe.split(separator: "\n").last == "short\tx")
  }

  /// Goal: an id can be taken from a list: it is cut when nothing else is left to cut.
  @Test func `an id in a list stays whole`() {
    let id = "01a2013a-6094-7604-9777-bff2836ae571"
    let task: Value = [
      "id": .string(id), "status": "pending", "queue": "default", "command": "send_the_letter",
      "priority": 0, "attempt": 0, "created_at": "2026-11-21T23:04:05.678901Z",
      "run_at": "2026-11-21T23:04:05.678901Z", "error": .string(String(repeating: "x", count: 90)),
    ]
    let text = Record.list(
      [task], fields: task.objectValue?.names ?? [],
      for: Terminal(columns: 120, hasColour: false))
    #expect(text.contains(id) && text.contains("DUE"), "\(text)")
    #expect(text.split(separator: "\n").allSatisfy { Printable.width(String($0)) <= 120 })
  }

  /// Goal: a list of records can be read on a terminal of eighty columns: a time is to the second,
  /// and other columns are cut before it.
  ///
  /// Method: audit records with long fields.
  @Test func `a time in a list stays whole`() {
    let long = Value.string(String(repeating: "long-", count: 12))
    let record: Value = [
      "id": "1:17", "time": "2026-11-21T23:04:05.678901Z", "actor": long, "action": long,
      "subject": long, "details": [:], "run": "42",
      "rate_limited_until": "2026-11-21T23:04:05.678901Z",
    ]
    let text = Record.list(
      [record], fields: record.objectValue?.names ?? [],
      for: Terminal(columns: 100, hasColour: false))
    let times = text.split(separator: "2026-11-21 23:04:05Z", omittingEmptySubsequences: false)
    #expect(times.count == 3, "\(text)")
    #expect(text.split(separator: "\n").allSatisfy { Printable.width(String($0)) <= 100 })
  }

  /// Goal: an example can be copied from a terminal of eighty columns: no line of it is broken.
  @Test func `every example fits a line`() {
    var left: [any ParsableCommand.Type] = [Program.self]
    while let command = left.popLast() {
      left += command.configuration.subcommands
      let lines = command.configuration.discussion.split(separator: "\n")
      for line in lines where line.hasPrefix("  holdfast") { #expect(line.count <= 80, "\(line)") }
    }
  }

  /// Goal: a stream of events is read whole, wherever it was cut.
  ///
  /// Method: a stream with comments, signs of life and several lines of data is cut at every byte.
  @Test func `events are put together from any pieces`() {
    let stream = Array(
      ": hello\nid: 1\n\nid: 2\r\ndata: {\"a\":1}\r\n\r\nevent: error\ndata: x\ndata: y\n\n".utf8)
    let expected = [
      EventStream.Event(id: "1"), EventStream.Event(id: "2", data: #"{"a":1}"#),
      EventStream.Event(name: "error", data: "x\ny"),
    ]
    for cut in 0...stream.count {
      var lines = EventLines()
      let events = lines.take(Array(stream[..<cut])) + lines.take(Array(stream[cut...]))
      #expect(events == expected)
    }
  }

  /// Goal: whatever a segment holds, it is one segment.
  ///
  /// Method: names with slashes, dots, spaces and signs become routes.
  @Test func `a route escapes what it is given`() {
    let route = Route("kv", "a/b", "..", "100% é+").with("after", "x&y=z").with("all", true)
      .with("no", false).with("limit", 5)
    #expect(
      route.target == "/v1/kv/a%2Fb/%2E%2E/100%25%20%C3%A9%2B?after=x%26y%3Dz&all=true&limit=5")
  }

  /// Goal: an answer of somebody else's is not taken for the store's.
  ///
  /// Method: a problem document gives its own code; anything else is judged by its status.
  @Test func `a problem becomes the store's error`() {
    let document = #"{"code":"conflict","detail":"No.","hint":"Wait.","details":{"version":7}}"#
    let error = Problem.error(Array(document.utf8), status: 412)
    #expect(error.code == .conflict)
    #expect(error.hint == "Wait.")
    #expect(error.details["version"] == 7)
    #expect(Problem.error(Array("<html>".utf8), status: 502).code == .unavailable)
    #expect(Problem.error([], status: 302).code == .invalid)
    #expect(Problem.error([], status: 500).code == .internal)
  }
}
