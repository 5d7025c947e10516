import HoldfastCore
import HoldfastEngine

/// An approval's row, in the order of columns that every statement of this folder gives.
struct ApprovalRow {
  /// The approval as it stands at the time of the read.
  let approval: Approval
  /// What the machine knows of it.
  let state: ApprovalState
  /// The row's number, which breaks ties of time.
  let number: Int64
  /// The store's time of the transaction that read it.
  let now: Instant
  /// How long the row's texts are, in bytes, as far as they may be long.
  let bytes: Int

  init(row: Row) throws(StoreError) {
    number = row.integer(24)
    now = Instant(microseconds: row.integer(25))
    let parameters = row.textBytes(23)
    bytes = parameters.count
    state = try Self.state(row)
    approval = Approval(
      id: row.text(0), task: row.optionalText(1), run: row.optionalText(2),
      caller: row.optionalText(3), permission: row.text(4), action: row.text(5),
      resource: row.optionalText(6), parameters: try ValueText.decode(parameters),
      channel: row.optionalText(7), thread: row.optionalText(8), status: state.status(at: now),
      decision: state.decision, decidedBy: state.decider?.name, by: state.decider?.claim,
      reason: row.optionalText(13), digest: row.text(14),
      policy: row.optionalText(15).flatMap(PolicyMode.init(rawValue:)),
      grant: row.optionalText(16), version: row.integer(17),
      requestedAt: Instant(microseconds: row.integer(18)), expiresAt: state.expiresAt,
      decidedAt: state.decidedAt, usableUntil: state.usableUntil, consumedAt: state.consumedAt,
      history: try ApprovalHistory.decode(row.textBytes(26)))
  }

  private static func state(_ row: Row) throws(StoreError) -> ApprovalState {
    guard let status = ApprovalStatus(rawValue: row.text(9)) else {
      throw StoreError(.corrupt, "An approval's row has an unknown status.")
    }
    func instant(_ column: Int32) -> Instant? {
      row.optionalInteger(column).map(Instant.init(microseconds:))
    }
    return ApprovalState(
      status: status, expiresAt: Instant(microseconds: row.integer(19)),
      decision: row.optionalText(10).flatMap(ApprovalDecision.init(rawValue:)),
      decider: row.optionalText(11).map { ApprovalDecider($0, claim: row.optionalText(12)) },
      asksGrant: row.integer(27) == 1,
      decidedAt: instant(20), usableUntil: instant(21), consumedAt: instant(22))
  }
}

/// What happened to an approval, as its column keeps it.
enum ApprovalHistory {
  static func text(_ events: [ApprovalEvent]) -> String {
    let items = events.map { event -> Value in
      [
        "event": .string(event.event), "at": .string(event.at.rfc3339), "by": .string(event.by),
        "reason": event.reason.map(Value.string) ?? .null,
      ]
    }
    return Value.array(items).json
  }

  static func decode(
    _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(StoreError) -> [ApprovalEvent] {
    var events: [ApprovalEvent] = []
    for item in try ValueText.decode(bytes).arrayValue ?? [] {
      guard let event = item["event"]?.stringValue, let by = item["by"]?.stringValue,
        let at = item["at"]?.stringValue
      else { throw StoreError(.corrupt, "An approval's history is not what Holdfast writes.") }
      events.append(
        ApprovalEvent(
          event, at: try Instant(rfc3339: at), by: by, reason: item["reason"]?.stringValue))
    }
    return events
  }
}
