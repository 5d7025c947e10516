import ArgumentParser
import HTTPTypes
import HoldfastCore

/// A verb that sends one request and shows the answer: its options, and one expression.
///
/// A noun is a folder-mate of this file: a type whose configuration is
/// ``ArgumentParser/CommandConfiguration/noun(_:_:about:examples:verbs:)`` and names its verbs, and
/// which ``Program`` lists among its subcommands. Each verb is a type like this one:
///
/// ```swift
/// /// Changes a bot.
/// struct BotUpdate: Verb {
///   static let configuration = CommandConfiguration.verb(
///     "update", "Change a bot's name; what is left out stays.",
///     examples: ["holdfast bot update 019a2b3c --name 'The new mailer'"])
///
///   @Argument(help: "The bot's identifier.")
///   var id: String
///
///   @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
///   var name: String?
///
///   @OptionGroup var arguments: ChangeArguments
///
///   func request() throws -> Request {
///     .patch(Route("bots", id), ["name": name])
///   }
/// }
/// ```
///
/// - The type of `arguments` says what the verb takes beside its own options:
///   ``StoreArguments`` for reading one thing, ``ListArguments`` for a list with its pages,
///   ``WriteArguments`` for a write that can be repeated safely, ``ChangeArguments`` for one that
///   also takes the version it expects, and ``Confirmed`` around one of these for what cannot be
///   undone: such a verb begins with `try arguments.confirm("Delete the bot \(id)?")`.
/// - ``Request`` is `get`, `list`, `create` (a missing store is made), `put`, `post`, `patch` or
///   `delete`. A field of the body or of the query that is `nil` is left out.
/// - ``Look`` is how a person sees the answer; a program sees with `--json` what HTTP gave.
/// - The server decides what is right. A verb checks only what cannot be said over HTTP, such as
///   two options that do not go together (`validate()`).
/// - Verbs that differ only in a word, such as the steps of a life, share a protocol: ``RunStep``.
/// - A verb that does more than ask once (a stream, a file's bytes) is an `AsyncParsableCommand` of
///   its own, and speaks through ``Connection`` as ``KeyValueWatch`` does.
protocol Verb: AsyncParsableCommand {
  associatedtype Arguments: VerbArguments

  /// Which store it speaks to, and what all verbs of its kind take.
  var arguments: Arguments { get }

  /// What is asked of the store.
  ///
  /// - Returns: The request, without the header fields that `arguments` adds.
  /// - Throws: ``StoreError`` for an option that cannot be meant, or an exit code where a person
  ///   said no.
  func request() throws -> Request
}

extension Verb {
  func run() async throws {
    var request = try request()
    request.headers.append(contentsOf: try arguments.headers())
    guard let page = arguments.page else { return try await arguments.target.show(request) }
    try await arguments.target.show(request, page)
  }
}

extension CommandConfiguration {
  /// The configuration of a verb, which never comes without an example.
  ///
  /// - Parameters:
  ///   - name: The word it is called by.
  ///   - abstract: What it does, in a line.
  ///   - about: What else one has to know, before the examples.
  ///   - examples: Whole command lines, of which the first shows the usual case.
  /// - Returns: The configuration.
  static func verb(
    _ name: String, _ abstract: String, about: String = "", examples: [String]
  ) -> CommandConfiguration {
    CommandConfiguration(
      commandName: name, abstract: abstract, discussion: discussion(about, examples))
  }

  /// The configuration of a noun.
  ///
  /// - Parameters:
  ///   - name: The word it is called by.
  ///   - abstract: What it is, in a line.
  ///   - about: What else one has to know, before the examples.
  ///   - examples: Whole command lines.
  ///   - verbs: Its verbs, in the order in which they are listed.
  /// - Returns: The configuration.
  static func noun(
    _ name: String, _ abstract: String, about: String = "", examples: [String],
    verbs: [any ParsableCommand.Type]
  ) -> CommandConfiguration {
    CommandConfiguration(
      commandName: name, abstract: abstract, discussion: discussion(about, examples),
      subcommands: verbs)
  }

  private static func discussion(_ about: String, _ examples: [String]) -> String {
    let lines = ["EXAMPLE"] + examples.map { "  " + $0 }
    return (about.isEmpty ? "" : about + "\n\n") + lines.joined(separator: "\n")
  }
}
