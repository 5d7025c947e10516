import ArgumentParser
import HoldfastCore

/// How long what is finished stays.
struct RetentionNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "retention", "How long what is finished stays, and what goes.",
    examples: [
      "holdfast retention list",
      "holdfast retention set tasks --keep-for 30d",
      "holdfast retention run --dry-run",
    ],
    verbs: [
      RetentionList.self, RetentionSet.self, RetentionSize.self, RetentionRun.self,
    ])
}

/// Lists policies.
struct RetentionList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List what is kept, and for how long; no bound means for ever.",
    examples: ["holdfast retention list"])

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    var request = Request.list(Route("retention"), RetentionSet.fields)
    request.note = Self.size
    return request
  }

  /// The size from which on the stricter policies hold, which is no row of the table.
  static let size: @Sendable (Value) -> String? = { answer in
    guard let limit = answer["size_max"]?.integerValue else { return nil }
    let size = answer["size"]?.integerValue ?? 0
    return "The store has \(size) bytes; above \(limit) the policies of over_size hold too."
  }
}

/// Sets a policy.
struct RetentionSet: Verb {
  static let fields = [
    "kind", "namespace", "over_size", "keep_for", "keep_last", "max_bytes", "default",
  ]

  static let configuration = CommandConfiguration.verb(
    "set", "Set what is kept of a kind; without any bound all of it stays.",
    examples: [
      "holdfast retention set tasks --keep-for 30d --keep-last 100000",
      "holdfast retention set tasks --namespace run:42",
      "holdfast retention set tasks --default",
    ])

  @Argument(
    help: ArgumentHelp(
      """
      Of what: tasks, approvals, grants, sessions, conversations, threads, dead_letters, audit, \
      changes, idempotency, files.
      """))
  var kind: String

  @Option(help: ArgumentHelp("Only records of this run, or of global.", valueName: "namespace"))
  var namespace: String?

  @Flag(help: "While the store is larger than its limit, beside the other policy.")
  var overSize = false

  @Option(help: ArgumentHelp("How long it stays.", valueName: "duration"))
  var keepFor: String?

  @Option(help: ArgumentHelp("How many of the newest stay.", valueName: "number"))
  var keepLast: Int?

  @Option(help: ArgumentHelp("About how many bytes stay.", valueName: "number"))
  var maxBytes: Int64?

  @Flag(help: "Take the policy away, so that the default holds.")
  var `default` = false

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    var request = Request.put(
      Route("retention"),
      [
        "kind": kind, "namespace": namespace, "over_size": overSize ? true : nil,
        "keep_for": keepFor, "keep_last": keepLast, "max_bytes": maxBytes,
        "default": self.default ? true : nil,
      ], .rows(Self.fields))
    request.note = RetentionList.size
    return request
  }
}

/// Sets the size from which on the stricter policies hold.
struct RetentionSize: Verb {
  static let configuration = CommandConfiguration.verb(
    "size", "Set the size of the store from which on the policies with --over-size hold too.",
    examples: ["holdfast retention size 10000000000", "holdfast retention size"])

  @Argument(help: "The size in bytes; none takes the limit away.")
  var bytes: Int64?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .put(
      Route("retention"), ["size_max": bytes.map(Value.integer) ?? .null],
      Look { answer, terminal in
        let sizes: Value = [
          "size": answer["size"] ?? .null, "size_max": answer["size_max"] ?? .null,
        ]
        return Record.details(sizes, for: terminal)
      })
  }
}
