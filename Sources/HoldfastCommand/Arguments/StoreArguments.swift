import ArgumentParser
import HTTPTypes
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
  /// Asks the store for something, and prints it.
  ///
  /// - Parameters:
  ///   - purpose: Whether a missing file is made.
  ///   - ask: The request.
  ///   - show: How the answer looks to a person; not asked for with `--json`.
  /// - Throws: ``StoreError``: what the store says.
  func run(
    for purpose: Connection.Purpose,
    _ ask: @Sendable (Connection) async throws(StoreError) -> Connection.Answer,
    show: @Sendable (Value, Terminal) -> String
  ) async throws {
    try await Connection.use(StoreURL.named(store), for: purpose) { connection in
      try print(try await ask(connection), show: show)
    }
  }

  /// Prints one answer.
  ///
  /// - Parameters:
  ///   - answer: The answer; one without a body prints nothing.
  ///   - show: How it looks to a person.
  /// - Throws: `internal` for an answer that is no JSON.
  func print(
    _ answer: Connection.Answer, show: (Value, Terminal) -> String
  ) throws(StoreError) {
    guard !answer.bytes.isEmpty else { return }
    let terminal = Terminal.output
    if !json {
      Stream.data(show(try answer.value(), terminal))
    } else if terminal.isTerminal {
      Stream.data(Printable.json(String(decoding: answer.bytes, as: UTF8.self)) + "\n")
    } else {
      Stream.data(answer.bytes + [UInt8(ascii: "\n")])
    }
  }
}

/// Which part of a list a verb shows.
struct PageArguments: ParsableArguments {
  @Option(help: ArgumentHelp("At most this many, 1 to 1000.", valueName: "number"))
  var limit: Int?

  @Option(help: ArgumentHelp("Go on where a page ended: its next.", valueName: "next"))
  var after: String?

  @Flag(help: "All pages, one after the other.")
  var all = false
}

extension StoreArguments {
  /// Lists one page, or all of them, and says on standard error when there is more.
  ///
  /// - Parameters:
  ///   - page: Which part.
  ///   - route: What is listed.
  ///   - show: How the items look to a person.
  /// - Throws: ``StoreError``: what the store says.
  func list(
    _ page: PageArguments, _ route: Route,
    show: @Sendable ([Value], Terminal) -> String
  ) async throws {
    try await Connection.use(StoreURL.named(store), for: .read) { connection in
      let limit = page.limit ?? (page.all ? 1_000 : nil)
      var after = page.after
      repeat {
        let answer = try await connection.send(
          .get, route.with("limit", limit).with("after", after))
        try print(answer) { value, terminal in show(value["items"]?.arrayValue ?? [], terminal) }
        after = try answer.value()["next"]?.stringValue
      } while page.all && after != nil
      if let after, !json {
        Stream.say("There is more: --after \(Self.quoted(after)), or --all.")
      }
    }
  }

  /// A text as a word of a shell's.
  private static func quoted(_ text: String) -> String {
    "'" + Printable.sentence(text).replacing("'", with: #"'\''"#) + "'"
  }
}

/// What must hold for a write to happen, and what makes it safe to repeat.
struct WriteArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Makes the write safe to repeat: the first answer is given again.", valueName: "key"))
  var idempotencyKey: String?

  /// The header fields that say so.
  ///
  /// - Returns: The fields.
  /// - Throws: `invalid` for a key that no header field can hold.
  func headers() throws(StoreError) -> HTTPFields {
    guard let idempotencyKey else { return [:] }
    guard let name = HTTPField.Name("Idempotency-Key"),
      idempotencyKey.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else {
      throw StoreError(
        .invalid, "An idempotency key is one line of text.", hint: "Leave control characters out.")
    }
    return [name: idempotencyKey]
  }
}

/// Which version a write expects.
struct ConditionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Only if this is the version now; else exit 75.", valueName: "version"))
  var ifVersion: Int64?

  /// The header fields that say so.
  var headers: HTTPFields {
    guard let ifVersion else { return [:] }
    return [.ifMatch: "\"\(ifVersion)\""]
  }
}

/// Whether a verb that destroys something asks before.
struct ConfirmationArguments: ParsableArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  /// Asks, unless told not to.
  ///
  /// - Parameter question: What is going to happen, as a question.
  /// - Throws: `invalid` where there is nobody to ask; an exit code where the answer is no.
  func confirm(_ question: String) throws {
    guard !yes else { return }
    guard Terminal.canAsk else {
      throw StoreError(
        .invalid, "This cannot be undone, and there is no terminal to ask at.",
        hint: "Add --yes if it is meant.")
    }
    let answer = Stream.ask("\(Printable.sentence(question)) [y/N]")?.lowercased()
    guard answer == "y" || answer == "yes" else {
      Stream.say("Nothing was done.")
      throw ExitCode.failure
    }
  }
}
