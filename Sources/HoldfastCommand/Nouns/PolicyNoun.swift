import ArgumentParser
import HoldfastCore

/// Policies.
struct PolicyNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "policy", "Policies: what becomes of requests for a permission.",
    about: "A permission without a policy needs somebody's approval each time.",
    examples: [
      "holdfast policy set read_calendar auto_approve",
      "holdfast policy set delete_account always_deny",
    ],
    verbs: [PolicySet.self, PolicyGet.self, PolicyList.self, PolicyDelete.self])
}

/// Sets a policy.
struct PolicySet: Verb {
  static let configuration = CommandConfiguration.verb(
    "set", "Set what becomes of requests for a permission, from the next one on.",
    about: """
      auto_approve allows it; notify_then_do allows it and tells; require_approval needs somebody; \
      always_deny forbids it. What an earlier policy granted ends.
      """,
    examples: [
      "holdfast policy set read_calendar auto_approve",
      "holdfast policy set send_email require_approval --grants",
    ])

  @Argument(help: "The permission.")
  var permission: String

  @Argument(
    help: "auto_approve, notify_then_do, require_approval or always_deny.",
    completion: .list(PolicyMode.allCases.map(\.rawValue)))
  var mode: String

  @Flag(
    inversion: .prefixedNo,
    help: "Whether an approval allows its task the permission for five more minutes.")
  var grants: Bool?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .put(Route("policies", permission), ["mode": mode, "grants": grants])
  }
}

/// Shows a policy.
struct PolicyGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a permission's policy; one without exits 66.",
    examples: ["holdfast policy get send_email"])

  @Argument(help: "The permission.")
  var permission: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("policies", permission))
  }
}

/// Lists policies.
struct PolicyList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the policies by permission.", examples: ["holdfast policy list"])

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(Route("policies"), ["permission", "mode", "grants", "set_by", "updated_at"])
  }
}

/// Deletes a policy.
struct PolicyDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a permission's policy: somebody must decide again.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast policy delete send_email --yes"])

  @Argument(help: "The permission.")
  var permission: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the policy of \(permission)?")
    return .delete(Route("policies", permission))
  }
}

/// Grants.
struct GrantNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "grant", "Grants: what a task may do for a short time without asking again.",
    about: "They are made by approving: with --grant, or where the permission's policy says so.",
    examples: ["holdfast grant list --task 019a2b3c", "holdfast grant revoke 019a2b3c --yes"],
    verbs: [GrantGet.self, GrantList.self, GrantRevoke.self])
}

/// Shows a grant.
struct GrantGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a grant, also one that has ended; a missing one exits 66.",
    examples: ["holdfast grant get 019a2b3c"])

  @Argument(help: "The grant's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("grants", id))
  }
}

/// Lists grants.
struct GrantList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the grants that live, those that end soonest first.",
    examples: ["holdfast grant list --permission send_email"])

  @Option(help: ArgumentHelp("Only grants of this permission.", valueName: "name"))
  var permission: String?

  @Option(help: ArgumentHelp("Only grants of this task.", valueName: "id"))
  var task: String?

  @Flag(help: "Those that expired or were revoked, too.")
  var ended = false

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("grants").with("permission", permission).with("task", task).with("ended", ended),
      [
        "id", "permission", "task", "source", "granted_by", "created_at", "expires_at",
        "revoked_at",
      ])
  }
}

/// Revokes a grant.
struct GrantRevoke: Verb {
  static let configuration = CommandConfiguration.verb(
    "revoke", "End a grant at once.", about: "It asks before, unless --yes.",
    examples: ["holdfast grant revoke 019a2b3c --yes"])

  @Argument(help: "The grant's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Revoke the grant \(id)?")
    return .delete(Route("grants", id))
  }
}
