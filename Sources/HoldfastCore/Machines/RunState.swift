/// Where a run stands.
public enum RunStatus: String, Codable, CaseIterable, Sendable {
  /// It is at work.
  case active
  /// It rests and may go on.
  case paused
  /// It ended well.
  case completed
  /// It ended badly.
  case failed
  /// It was ended from outside.
  case cancelled
  /// It is put away: still readable, hidden from default lists, and never written again.
  case archived

  /// Whether the run came to an end: completed, failed or cancelled.
  public var isFinished: Bool {
    switch self {
    case .completed, .failed, .cancelled: true
    case .active, .paused, .archived: false
    }
  }

  /// Whether data of the run may be written.
  public var isWritable: Bool { self != .archived }
}

/// What can happen to a run.
public enum RunEvent: String, CaseIterable, Sendable {
  /// It ends well.
  case complete
  /// It ends badly.
  case fail
  /// It is ended from outside.
  case cancel
  /// It rests.
  case pause
  /// It goes on.
  case resume
  /// It is put away.
  case archive
}

/// The state machine of a run.
///
/// ```
/// active ── complete, fail, cancel ──▶ completed, failed, cancelled ─┐
///   │ ▲                                                              │
/// pause resume      (cancel from paused too)                      archive
///   ▼ │                                                              ▼
/// paused ──────────────── archive (from active too) ────────────▶ archived
/// ```
public struct RunState: Sendable, Equatable {
  /// Where the run stands.
  public private(set) var status: RunStatus
  /// When it finished; archiving keeps it and does not set it.
  public private(set) var completedAt: Instant?

  /// Makes a state: a new run's, or one that was stored.
  ///
  /// - Parameters:
  ///   - status: Where the run stands.
  ///   - completedAt: When it finished.
  public init(status: RunStatus = .active, completedAt: Instant? = nil) {
    self.status = status
    self.completedAt = completedAt
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - event: What happens.
  ///   - now: When it happens.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` if it cannot happen
  ///   from here: the state stays, and the details name `from` and `event`.
  public mutating func apply(_ event: RunEvent, at now: Instant) throws(StoreError) {
    guard let next = successor(event) else {
      throw StoreError(
        .invalidState, "A run that is \(status.rawValue) cannot \(event.rawValue).",
        details: ["from": .string(status.rawValue), "event": .string(event.rawValue)])
    }
    status = next
    if next.isFinished { completedAt = now }
  }

  private func successor(_ event: RunEvent) -> RunStatus? {
    switch (status, event) {
    case (.active, .complete): .completed
    case (.active, .fail): .failed
    case (.active, .cancel), (.paused, .cancel): .cancelled
    case (.active, .pause): .paused
    case (.paused, .resume): .active
    case (.archived, _): nil
    case (_, .archive): .archived
    default: nil
    }
  }
}
