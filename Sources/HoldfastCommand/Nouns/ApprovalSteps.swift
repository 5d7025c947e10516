import ArgumentParser
import HoldfastCore

/// What everybody who decides can say.
struct DecisionArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Why.", valueName: "text"))
  var reason: String?

  @Option(
    help: ArgumentHelp("For whom it is decided; kept beside who decides.", valueName: "name"))
  var by: String?
}

/// Decides an approval, by a word.
struct ApprovalDecide: Verb {
  static let configuration = CommandConfiguration.verb(
    "decide", "Approve or deny, by a word; approve and deny do the same.",
    examples: ["holdfast approval decide 019a2b3c deny --reason 'not on a Sunday'"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @Argument(
    help: "approve or deny.", completion: .list(ApprovalDecision.allCases.map(\.rawValue)))
  var decision: String

  @OptionGroup var words: DecisionArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(
      Route("approvals", id, "decide"),
      ["decision": decision, "reason": words.reason, "by": words.by])
  }
}

/// Approves.
struct ApprovalApprove: Verb {
  static let configuration = CommandConfiguration.verb(
    "approve", "Allow it, once; the task that waits for it goes on.",
    about: "A second decision exits 65; the same one again is answered again.",
    examples: ["holdfast approval approve 019a2b3c --reason 'she asked for it' --grant"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @Flag(help: "Allow the task this permission for the next 15 minutes, too.")
  var grant = false

  @OptionGroup var words: DecisionArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(
      Route("approvals", id, "decide"),
      [
        "decision": ApprovalDecision.approve.rawValue, "reason": words.reason, "by": words.by,
        "grant": grant ? true : nil,
      ])
  }
}

/// Denies.
struct ApprovalDeny: Verb {
  static let configuration = CommandConfiguration.verb(
    "deny", "Forbid it; the task that waits for it is cancelled with the reason.",
    examples: ["holdfast approval deny 019a2b3c --reason 'not on a Sunday'"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @OptionGroup var words: DecisionArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(
      Route("approvals", id, "decide"),
      [
        "decision": ApprovalDecision.deny.rawValue, "reason": words.reason, "by": words.by,
      ])
  }
}

/// Uses an approval.
struct ApprovalConsume: Verb {
  static let configuration = CommandConfiguration.verb(
    "consume", "Use an approved approval, once, for exactly what was asked.",
    about: "Anything else than what was asked exits 75, a second use 65.",
    examples: [#"holdfast approval consume 019a2b3c send_email --parameters '{"to":"u1"}'"#])

  @Argument(help: "The approval's identifier.")
  var id: String

  @Argument(help: "What is about to be done.")
  var action: String

  @OptionGroup var scope: ScopeArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    try .post(
      Route("approvals", id, "consume"),
      [
        "action": action, "resource": scope.resource, "parameters": scope.value,
        "caller": scope.caller, "task": scope.task,
      ])
  }
}

/// Waits for a decision.
struct ApprovalWait: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "wait", "Wait until an approval is decided, and say how.",
    about: """
      It exits 0 for an approved one, 65 for one that was denied or has expired, and 69 where \
      nobody decided in time.
      """,
    examples: ["holdfast approval wait 019a2b3c --timeout 10m && send-the-email"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @Option(help: ArgumentHelp("How long to wait at most.", valueName: "duration"))
  var timeout = "1h"

  @OptionGroup var target: StoreArguments

  /// How long one request waits; a server allows no more.
  private static let requestMax = Duration.seconds(60)

  func run() async throws {
    var left = try DurationText.parse(timeout, allowingZero: true)
    let approval = try await Connection.use(StoreURL.named(target.store), for: .read) {
      connection in
      while true {
        let wait = min(left, Self.requestMax)
        let route = Route("approvals", id).with("wait", DurationText.format(wait))
        let answer = try await connection.send(.get(route))
        let approval = try answer.value()
        left -= wait
        guard approval["status"] == "pending", left > .zero else {
          try target.print(answer, .details)
          return approval
        }
      }
    }
    try Self.check(approval)
  }

  private static func check(_ approval: Value) throws(StoreError) {
    switch approval["status"]?.stringValue.flatMap(ApprovalStatus.init(rawValue:)) {
    case .approved, .consumed: return
    case .pending:
      throw StoreError(
        .unavailable, "Nobody has decided yet.", hint: "Wait again, or ask somebody.")
    case .denied, .expired, nil:
      throw StoreError(
        .invalidState, "The approval was not given.", hint: "Request another approval.")
    }
  }
}
