import Holdfast
package import HoldfastCore

/// Who asks, and what that allows.
///
/// A record with a run or a bot belongs to the namespace of that one, any other to `global`; lists,
/// counts and changes show only what the patterns match. Who may not read a namespace gets the
/// answer of one that is not there; who may not write it is told so.
package struct Access: Sendable, Equatable {
  /// The token's name, or `local:USER`.
  package let name: String
  /// What its holder may do.
  package let role: Role
  /// The namespaces that its holder may use; empty for all.
  package let patterns: [NamespacePattern]

  package init(name: String, role: Role, patterns: [NamespacePattern] = []) {
    self.name = name
    self.role = role
    self.patterns = patterns
  }

  init(_ token: Token) {
    self.init(name: token.name, role: token.role, patterns: token.patterns)
  }

  /// Whether every namespace may be used.
  var isUnrestricted: Bool { patterns.isEmpty }

  /// Whether what is in a namespace may be seen.
  ///
  /// - Parameter namespace: The namespace.
  /// - Returns: Whether it may.
  func reads(_ namespace: Namespace) -> Bool {
    patterns.isEmpty || patterns.contains { $0.matches(namespace) }
  }

  /// Whether what is in a namespace may be seen, where that is some of it only; `nil` where
  /// everything may be.
  var reach: (@Sendable (Namespace) -> Bool)? {
    isUnrestricted ? nil : { @Sendable namespace in reads(namespace) }
  }

  /// Whether a namespace and everything below it may be used.
  ///
  /// - Parameter namespace: The namespace.
  /// - Returns: Whether it may.
  func coversAll(below namespace: Namespace) -> Bool {
    patterns.isEmpty
      || reads(namespace) && patterns.contains { $0.coversAll(below: namespace) }
  }

  /// Whether anything below a namespace may be seen.
  ///
  /// - Parameter namespace: The namespace.
  /// - Returns: Whether it may.
  func reachesBelow(_ namespace: Namespace) -> Bool {
    patterns.isEmpty || patterns.contains { $0.reachesBelow(namespace) }
  }

  /// Kinds of changes that concern the store as a whole, and whose subjects name what is elsewhere.
  private static let kindsOfStore: Set<String> = ["token", "retention"]

  /// Whether a change may be shown: what it concerns, or a part of that, may be seen.
  ///
  /// - Parameter change: The event.
  /// - Returns: Whether it may.
  func shows(_ change: Change) -> Bool {
    guard !patterns.isEmpty else { return true }
    guard !Self.kindsOfStore.contains(change.kind) else { return false }
    guard let namespace = try? Namespace(change.namespace) else { return false }
    return reads(namespace) || (change.below && reachesBelow(namespace))
  }
}

extension Access {
  /// Refuses whoever has not the role.
  ///
  /// - Parameter role: The least role that may.
  /// - Throws: `forbidden`.
  func require(_ role: Role) throws(StoreError) {
    guard self.role.allows(role) else {
      throw StoreError(
        .forbidden, "This needs the role \(role.rawValue).",
        hint: "Ask an administrator for a token with this role.",
        details: ["role": .string(role.rawValue)])
    }
  }

  /// Refuses whoever may not write what an operation touches.
  ///
  /// - Parameter touch: What it touches.
  /// - Throws: `forbidden`.
  func require(_ touch: Touch) throws(StoreError) {
    let isAllowed =
      switch touch {
      case .exactly(let namespace): reads(namespace)
      case .withAllBelow(let namespace): coversAll(below: namespace)
      case .everything: isUnrestricted
      }
    guard isAllowed else {
      throw StoreError(
        .forbidden, "The token's namespaces do not reach as far as this write.",
        hint: "Ask an administrator for a token whose patterns match the namespace.")
    }
  }

  /// Refuses whoever may use some namespaces only.
  ///
  /// - Throws: `forbidden`.
  func requireUnrestricted() throws(StoreError) {
    guard isUnrestricted else {
      throw StoreError(
        .forbidden, "This needs a token without namespace patterns.",
        hint: "Ask an administrator whose token reaches every namespace.")
    }
  }
}

extension Access {
  /// The bots that may be seen, where those are some only; `nil` for all of them.
  var botsReached: [String]? { reached("bot") }

  /// The one run that what may be seen belongs to; `nil` where more may be.
  var onlyRun: String? {
    guard let runs = reached("run"), runs.count == 1, !reads(.global),
      (try? Checks.runID(runs[0], Limits())) != nil,
      reached("bot")?.isEmpty == true
    else { return nil }
    return runs[0]
  }

  /// Which runs or bots the patterns match, where that are some only.
  private func reached(_ kind: String) -> [String]? {
    var ids: Set<Bytewise> = []
    for pattern in patterns {
      switch (pattern.tail, pattern.segments.count) {
      case (.below, 0): return nil
      case (.one, 1), (.below, 1):
        if pattern.names(kind) { return nil }
      case (.nothing, 2):
        if pattern.names(kind) { ids.insert(Bytewise(pattern.segments[1])) }
      default: continue
      }
    }
    return patterns.isEmpty ? nil : ids.sorted().map(\.text)
  }
}

/// What a write changes.
enum Touch: Sendable {
  /// One namespace.
  case exactly(Namespace)
  /// A namespace and everything below it.
  case withAllBelow(Namespace)
  /// What holds in every namespace.
  case everything
}

extension NamespacePattern {
  /// Whether it begins with this segment.
  fileprivate func names(_ first: String) -> Bool {
    segments.first.map { Bytewise.equal($0, first) } ?? false
  }

  /// Whether every namespace below one matches.
  fileprivate func coversAll(below namespace: Namespace) -> Bool {
    tail == .below && segments.count <= namespace.segments.count
      && zip(segments, namespace.segments).allSatisfy { Bytewise.equal($0, $1) }
  }

  /// Whether some namespace below one may match.
  fileprivate func reachesBelow(_ namespace: Namespace) -> Bool {
    let isAgreed = zip(segments, namespace.segments).allSatisfy { Bytewise.equal($0, $1) }
    guard isAgreed else { return false }
    let longest =
      switch tail {
      case .nothing: segments.count
      case .one: segments.count + 1
      case .below: Int.max
      }
    return longest > namespace.segments.count
  }
}
