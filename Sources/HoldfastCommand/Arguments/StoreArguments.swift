import ArgumentParser
import HoldfastCore

/// Which store a verb speaks to, and how it shows what it found.
struct StoreArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file, a postgres:// URL, or the https:// or loopback http:// URL of a server.",
      discussion: """
        Without it HOLDFAST_STORE, else ./holdfast-data/holdfast.db. A server's token is taken \
        from HOLDFAST_TOKEN.
        """, valueName: "store"))
  var store: String?

  @Flag(help: "Print exactly what HTTP gives.")
  var json = false
}

extension StoreArguments {
  /// Asks the store for something, and prints the answer.
  ///
  /// - Parameter request: What is asked.
  /// - Throws: ``StoreError``: what the store says.
  func show(_ request: Request) async throws {
    try await Connection.use(StoreURL.named(store), for: request.purpose) { connection in
      let answer = try await connection.send(request)
      try print(answer, request.look)
      if !json, let note = try request.note?(answer.value()) { Stream.say(note) }
    }
  }

  /// Prints one page of a list, or all of them, and says on standard error how many there are in
  /// all, where that was asked for, and when there is more.
  ///
  /// - Parameters:
  ///   - request: What is listed.
  ///   - page: Which part of it.
  /// - Throws: ``StoreError``: what the store says.
  func show(_ request: Request, _ page: PageArguments) async throws {
    try await Connection.use(StoreURL.named(store), for: request.purpose) { connection in
      let limit = page.limit ?? (page.all ? 1_000 : nil)
      var after = page.after
      var total: Int64?
      repeat {
        var part = request
        part.route = request.route.with("limit", limit).with("after", after)
        if total == nil { part.route = part.route.with("total", request.asksTotal) }
        let answer = try await connection.send(part)
        try print(answer, request.look)
        let value = try answer.value()
        after = value["next"]?.stringValue
        total = total ?? value["total"]?.integerValue
      } while page.all && after != nil
      if let total, !json { Stream.say("\(total) in all.") }
      if let after, !json {
        Stream.say("There is more: --after \(Printable.word(after)), or --all.")
      }
    }
  }

  /// Prints an answer.
  ///
  /// - Parameters:
  ///   - answer: The answer; one without a body prints nothing.
  ///   - look: How it looks to a person.
  /// - Throws: `internal` for an answer that is no JSON.
  func print(_ answer: Connection.Answer, _ look: Look) throws(StoreError) {
    guard !answer.bytes.isEmpty else { return }
    let terminal = Terminal.output
    if !json {
      Stream.data(look.bytes(try answer.value(), terminal))
    } else if terminal.isTerminal {
      Stream.data(Printable.json(String(decoding: answer.bytes, as: UTF8.self)) + "\n")
    } else {
      Stream.data(answer.bytes + [UInt8(ascii: "\n")])
    }
  }
}
