import ArgumentParser
import HTTPTypes
import HoldfastCore

/// What all verbs of a kind take: the store, and what reading or writing needs beside it.
protocol VerbArguments: ParsableArguments {
  /// Which store, and how the answer is shown.
  var target: StoreArguments { get }
  /// Which part of a list; `nil` for a verb that lists nothing.
  var page: PageArguments? { get }

  /// The header fields of a request with these arguments.
  ///
  /// - Returns: The fields.
  /// - Throws: `invalid` for what no header field can hold.
  func headers() throws(StoreError) -> HTTPFields
}

extension VerbArguments {
  var page: PageArguments? { nil }

  func headers() throws(StoreError) -> HTTPFields { [:] }
}

/// What a verb takes that reads one thing.
extension StoreArguments: VerbArguments {
  var target: StoreArguments { self }
}

/// What a verb takes that lists.
struct ListArguments: VerbArguments {
  @OptionGroup var part: PageArguments
  @OptionGroup var target: StoreArguments

  var page: PageArguments? { part }
}

/// What a verb takes that writes.
struct WriteArguments: VerbArguments {
  @OptionGroup var repetition: RepetitionArguments
  @OptionGroup var target: StoreArguments

  func headers() throws(StoreError) -> HTTPFields { try repetition.headers() }
}

/// What a verb takes that writes to something which has a version.
struct ChangeArguments: VerbArguments {
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments

  var target: StoreArguments { write.target }

  func headers() throws(StoreError) -> HTTPFields {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    return headers
  }
}

/// What a verb takes whose effect cannot be undone: it asks before, unless told not to.
struct Confirmed<Arguments: VerbArguments>: VerbArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var arguments: Arguments

  var target: StoreArguments { arguments.target }

  func headers() throws(StoreError) -> HTTPFields { try arguments.headers() }

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

/// Which part of a list a verb shows.
struct PageArguments: ParsableArguments {
  @Option(help: ArgumentHelp("At most this many, 1 to 1000.", valueName: "number"))
  var limit: Int?

  @Option(help: ArgumentHelp("Go on where a page ended: its next.", valueName: "next"))
  var after: String?

  @Flag(help: "All pages, one after the other.")
  var all = false
}

/// What makes a write safe to repeat.
struct RepetitionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Makes the write safe to repeat: the first answer is given again.", valueName: "key"))
  var idempotencyKey: String?

  /// The header field that says so.
  ///
  /// - Returns: The field, or none.
  /// - Throws: `invalid` for a key that no header field can hold.
  func headers() throws(StoreError) -> HTTPFields {
    guard let idempotencyKey else { return [:] }
    guard let name = HTTPField.Name("Idempotency-Key"),
      idempotencyKey.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else {
      throw StoreError(
        .invalid, "An idempotency key is one line of ASCII characters.",
        hint: "Use a UUID, for example.")
    }
    return [name: idempotencyKey]
  }
}

/// Which version a write expects.
struct ConditionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Only if this is the version now; else exit 75.", valueName: "version"))
  var ifVersion: Int64?

  /// The header field that says so.
  var headers: HTTPFields {
    guard let ifVersion else { return [:] }
    return [.ifMatch: "\"\(ifVersion)\""]
  }
}
