/// Where a dead letter stands.
public enum DeadLetterStatus: String, Codable, CaseIterable, Sendable {
  /// It waits for its next try.
  case open
  /// It was tried often enough: nothing tries it again until somebody redrives it.
  case givenUp = "given_up"
  /// It is dealt with, for good.
  case resolved
}

/// The state machine of a dead letter.
///
/// ```
///          ┌── retry failed, to be tried again ──┐
///          ▼                                     │
/// ──────▶ open ──────────────────────────────────┘
///          │ ▲ └── retry failed, no further try ──▶ given up
///          │ └──────────── redrive ───────────────────┤
///       resolve                                    resolve
///          └──────────────▶ resolved ◀────────────────┘
/// ```
public struct DeadLetterState: Sendable, Equatable {
  /// Where the letter stands.
  public private(set) var status: DeadLetterStatus
  /// How many tries have failed since it came, or since it was redriven last.
  public private(set) var retryCount: Int
  /// When it is tried again; only while it is open.
  public private(set) var nextRetryAt: Instant?
  /// When it was given up; a letter that was resolved afterwards keeps it.
  public private(set) var givenUpAt: Instant?
  /// When it was resolved.
  public private(set) var resolvedAt: Instant?

  /// Makes the state of a new letter that waits for its first try.
  ///
  /// - Parameter nextRetryAt: When it is tried.
  public init(nextRetryAt: Instant) {
    status = .open
    retryCount = 0
    self.nextRetryAt = nextRetryAt
  }

  /// Makes the state of a new letter that nothing tries by itself, such as a spent task's.
  ///
  /// - Parameters:
  ///   - retryCount: How many tries have failed already.
  ///   - now: When it was given up.
  public init(givenUpAfter retryCount: Int, at now: Instant) {
    status = .givenUp
    self.retryCount = retryCount
    givenUpAt = now
  }

  /// Takes a state from where it was stored.
  ///
  /// - Parameters:
  ///   - status: Where the letter stands.
  ///   - retryCount: How many tries have failed.
  ///   - nextRetryAt: When it is tried again.
  ///   - givenUpAt: When it was given up.
  ///   - resolvedAt: When it was resolved.
  package init(
    status: DeadLetterStatus, retryCount: Int, nextRetryAt: Instant?, givenUpAt: Instant?,
    resolvedAt: Instant?
  ) {
    self.status = status
    self.retryCount = retryCount
    self.nextRetryAt = nextRetryAt
    self.givenUpAt = givenUpAt
    self.resolvedAt = resolvedAt
  }

  /// Counts a try that failed.
  ///
  /// - Parameters:
  ///   - next: When it is tried again; `nil` gives the letter up.
  ///   - now: When the try failed.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for a letter that is not open:
  ///   nobody should have tried it.
  public mutating func retryFailed(next: Instant?, at now: Instant) throws(StoreError) {
    guard status == .open else { throw refusal("be retried", "Redrive it first.") }
    retryCount += 1
    nextRetryAt = next
    guard next == nil else { return }
    status = .givenUp
    givenUpAt = now
  }

  /// Ends the letter for good.
  ///
  /// - Parameter now: When it was dealt with.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that is resolved.
  public mutating func resolve(at now: Instant) throws(StoreError) {
    try checkChangeable()
    status = .resolved
    nextRetryAt = nil
    resolvedAt = now
  }

  /// Makes the letter due at once, with all its tries before it.
  ///
  /// - Parameter now: When somebody redrove it.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that is resolved.
  public mutating func redrive(at now: Instant) throws(StoreError) {
    try checkChangeable()
    status = .open
    retryCount = 0
    nextRetryAt = now
    givenUpAt = nil
  }

  /// Moves the next try of an open letter; one that was given up stays so.
  ///
  /// - Parameter next: When it is tried.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that is resolved.
  public mutating func reschedule(_ next: Instant) throws(StoreError) {
    try checkChangeable()
    if status == .open { nextRetryAt = next }
  }

  /// Refuses a letter that never changes again.
  ///
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` for one that is resolved.
  public func checkChangeable() throws(StoreError) {
    if status == .resolved { throw refusal("change", "Save a new letter.") }
  }

  private func refusal(_ verb: String, _ hint: String) -> StoreError {
    let word = status == .givenUp ? "given up" : status.rawValue
    return StoreError(
      .invalidState, "A dead letter that is \(word) cannot \(verb).", hint: hint,
      details: ["status": .string(status.rawValue)])
  }
}

/// How often and how soon dead letters are tried again.
public struct DeadLetterRetries: Sendable, Equatable {
  /// How long to wait between two tries.
  public var backOff = BackOff(base: .seconds(60), cap: .seconds(3_600))
  /// After how many tries that failed a letter is given up.
  public var triesMax = 10

  /// The defaults: from one minute to one hour, ten tries.
  public init() {}

  /// When a letter is tried next.
  ///
  /// - Parameters:
  ///   - tries: How many tries have failed; 0 for a letter that has just come.
  ///   - now: The time.
  ///   - chance: A number drawn evenly from 0 to 1.
  /// - Returns: The time of the next try; `nil` where the tries are used up.
  public func next(after tries: Int, at now: Instant, chance: Double) -> Instant? {
    guard tries < triesMax else { return nil }
    return now + backOff.delay(attempt: tries + 1, chance: chance)
  }
}
