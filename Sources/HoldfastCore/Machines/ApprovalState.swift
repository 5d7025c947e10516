/// Where an approval stands.
public enum ApprovalStatus: String, Codable, CaseIterable, Sendable {
  /// Nobody has decided, and there is still time.
  case pending
  /// It may be used, once.
  case approved
  /// It was refused.
  case denied
  /// Its time ran out before anybody decided.
  case expired
  /// It was approved, and has been used.
  case consumed

  /// Whether nobody can decide it any more.
  public var isClosed: Bool { self != .pending }
}

/// What somebody decides about an approval.
public enum ApprovalDecision: String, Codable, CaseIterable, Sendable {
  /// It may be done.
  case approve
  /// It must not be done.
  case deny
}

/// Who decided.
public struct ApprovalDecider: Sendable, Equatable {
  /// Who is known to have decided: an access token's name, a policy or a grant.
  public let name: String
  /// For whom, in the decider's own words; nobody has proved it.
  public let claim: String?

  /// Makes a decider.
  ///
  /// - Parameters:
  ///   - name: Who is known to have decided.
  ///   - claim: For whom, in the decider's own words.
  public init(_ name: String, claim: String? = nil) {
    self.name = name
    self.claim = claim
  }

  /// Whether two deciders are the same person, byte by byte.
  ///
  /// - Parameters:
  ///   - left: A decider.
  ///   - right: Another decider.
  /// - Returns: Whether name and claim are the same.
  public static func == (left: ApprovalDecider, right: ApprovalDecider) -> Bool {
    func isSame(_ one: String?, _ other: String?) -> Bool {
      switch (one, other) {
      case (nil, nil): true
      case (let one?, let other?): Bytewise.equal(one, other)
      default: false
      }
    }
    return isSame(left.name, right.name) && isSame(left.claim, right.claim)
  }
}

/// The state machine of an approval: it is decided once, and an approved one is used once.
///
/// ```
///            ┌─ approve ─▶ approved ─ consume ─▶ consumed
/// pending ───┼─ deny ────▶ denied
///            └─ time ────▶ expired
/// ```
///
/// Time alone ends an undecided approval: from ``expiresAt`` on it is expired, whether anybody has
/// noted that or not. So every question takes the time at which it is asked.
public struct ApprovalState: Sendable, Equatable {
  /// Where the approval stands as far as it was noted; ``status(at:)`` knows what time has done.
  public private(set) var status: ApprovalStatus
  /// From when on an undecided one is expired.
  public let expiresAt: Instant
  /// What was decided.
  public private(set) var decision: ApprovalDecision?
  /// Who decided.
  public private(set) var decider: ApprovalDecider?
  /// Whether the decider also asked for a grant.
  public private(set) var asksGrant: Bool
  /// When it was decided.
  public private(set) var decidedAt: Instant?
  /// From when on an approved one can no longer be used.
  public private(set) var usableUntil: Instant?
  /// When it was used.
  public private(set) var consumedAt: Instant?

  /// Makes the state of an approval that was just asked for.
  ///
  /// - Parameter expiresAt: From when on it is expired unless somebody decided.
  public init(expiresAt: Instant) {
    self.init(status: .pending, expiresAt: expiresAt)
  }

  /// Makes a state that was stored.
  ///
  /// - Parameters:
  ///   - status: Where the approval stood.
  ///   - expiresAt: From when on an undecided one is expired.
  ///   - decision: What was decided.
  ///   - decider: Who decided.
  ///   - asksGrant: Whether the decider also asked for a grant.
  ///   - decidedAt: When it was decided.
  ///   - usableUntil: From when on an approved one can no longer be used.
  ///   - consumedAt: When it was used.
  package init(
    status: ApprovalStatus, expiresAt: Instant, decision: ApprovalDecision? = nil,
    decider: ApprovalDecider? = nil, asksGrant: Bool = false, decidedAt: Instant? = nil,
    usableUntil: Instant? = nil, consumedAt: Instant? = nil
  ) {
    self.status = status
    self.expiresAt = expiresAt
    self.decision = decision
    self.decider = decider
    self.asksGrant = asksGrant
    self.decidedAt = decidedAt
    self.usableUntil = usableUntil
    self.consumedAt = consumedAt
  }

  /// Where the approval stands at a time.
  ///
  /// - Parameter now: The time.
  /// - Returns: The status; an undecided one is expired from ``expiresAt`` on.
  public func status(at now: Instant) -> ApprovalStatus {
    status == .pending && now >= expiresAt ? .expired : status
  }

  /// Decides.
  ///
  /// - Parameters:
  ///   - decision: What is decided.
  ///   - decider: Who decides.
  ///   - asksGrant: Whether the decider also asks for a grant, which is part of the decision.
  ///   - now: When.
  ///   - use: For how long after the decision an approved one can be used at least; it can be used
  ///     until its expiry in any case.
  /// - Returns: Whether this decided it: the same decision by the same person changes nothing.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that was decided
  ///   otherwise, or whose time is over; the state stays, and the details name its `status`.
  public mutating func decide(
    _ decision: ApprovalDecision, by decider: ApprovalDecider, asksGrant: Bool = false,
    at now: Instant, usableFor use: Duration
  ) throws(StoreError) -> Bool {
    if self.decision == decision, self.decider == decider, self.asksGrant == asksGrant {
      return false
    }
    let status = status(at: now)
    guard status == .pending else { throw refusal(status, Self.whyNotDecided(status)) }
    self.decision = decision
    self.decider = decider
    self.asksGrant = asksGrant
    decidedAt = now
    switch decision {
    case .approve:
      self.status = .approved
      usableUntil = max(expiresAt, now + use)
    case .deny: self.status = .denied
    }
    return true
  }

  /// Uses an approved one, which can be done once.
  ///
  /// - Parameter now: When.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that is not approved,
  ///   was used, or was not used in time; the state stays, and the details name its `status`.
  public mutating func consume(at now: Instant) throws(StoreError) {
    let status = status(at: now)
    guard status == .approved, let usableUntil else {
      throw refusal(status, Self.whyNotConsumed(status))
    }
    guard now < usableUntil else {
      throw refusal(status, "The approval was not used in time.")
        .adding("usable_until", .string(usableUntil.rfc3339))
    }
    self.status = .consumed
    consumedAt = now
  }

  /// Notes that time has ended an undecided one.
  ///
  /// - Parameter now: When.
  /// - Returns: Whether there was anything to note.
  public mutating func expire(at now: Instant) -> Bool {
    guard status == .pending, status(at: now) == .expired else { return false }
    status = .expired
    return true
  }
}

extension ApprovalState {
  private static func whyNotDecided(_ status: ApprovalStatus) -> String {
    status == .expired
      ? "The approval has expired and can no longer be decided."
      : "The approval was decided already."
  }

  private static func whyNotConsumed(_ status: ApprovalStatus) -> String {
    switch status {
    case .consumed: "The approval was used already."
    case .denied: "The approval was denied."
    case .expired: "The approval has expired undecided."
    case .pending, .approved: "The approval is not decided yet."
    }
  }

  private func refusal(_ status: ApprovalStatus, _ message: String) -> StoreError {
    StoreError(
      .invalidState, message,
      hint: status == .pending ? "Wait for the decision." : "Request another approval.",
      details: ["status": .string(status.rawValue)])
  }
}
