extension StoreError {
  /// What the caller of a failed operation should do: a code exists only where the decision
  /// differs.
  ///
  /// Open to users and closed inside: new codes may come, so that a `switch` outside needs a
  /// default, while every `switch` in this package is complete by the compiler.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The closed set of codes, for complete switches inside this package.
    package enum Kind: String, CaseIterable, Sendable {
      case invalid
      case unauthenticated
      case forbidden
      case notFound = "not_found"
      case conflict
      case invalidState = "invalid_state"
      case fenced
      case tooLarge = "too_large"
      case exhausted
      case unavailable
      case uncertain
      case trimmed
      case incompatible
      case corrupt
      case closed
      case `internal`
    }

    package let kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    /// Makes a code from its name on the wire, such as `not_found`.
    ///
    /// - Parameter name: The name, as ``name`` gives it.
    public init?(name: String) {
      guard let kind = Kind(rawValue: name) else { return nil }
      self.kind = kind
    }

    /// The name on the wire, in metrics and in the documentation, such as `not_found`.
    public var name: String { kind.rawValue }

    /// The same as ``name``.
    public var description: String { name }

    /// The call is wrong: mend it.
    public static let invalid = Code(.invalid)
    /// Nobody is signed in, or the key does not fit: sign in.
    public static let unauthenticated = Code(.unauthenticated)
    /// The caller may not do this: ask for the right.
    public static let forbidden = Code(.forbidden)
    /// The thing is not there: create it, or stop asking.
    public static let notFound = Code(.notFound)
    /// Time moved on: read again and decide again.
    public static let conflict = Code(.conflict)
    /// This cannot be done from here, now or later, while the state is what it is.
    public static let invalidState = Code(.invalidState)
    /// The lease is lost: stop.
    public static let fenced = Code(.fenced)
    /// Send less.
    public static let tooLarge = Code(.tooLarge)
    /// Make room, or wait for it.
    public static let exhausted = Code(.exhausted)
    /// Retry later: nothing was written, nor will be.
    public static let unavailable = Code(.unavailable)
    /// Neither success nor failure is known: repeat with the same idempotency key.
    public static let uncertain = Code(.uncertain)
    /// The place to go on from is no longer kept: start from what still is.
    public static let trimmed = Code(.trimmed)
    /// The store and this program do not fit: migrate, or run another version.
    public static let incompatible = Code(.incompatible)
    /// The stored data is damaged: restore a backup.
    public static let corrupt = Code(.corrupt)
    /// The store was closed: open a new one.
    public static let closed = Code(.closed)
    /// Holdfast itself is at fault: report it.
    public static let `internal` = Code(.internal)
  }
}

extension StoreError.Code {
  /// The status of an HTTP answer with this code; a few routes are more exact (400, 412, 429).
  package var status: Int {
    switch kind {
    case .invalid: 422
    case .unauthenticated: 401
    case .forbidden: 403
    case .notFound: 404
    case .conflict, .invalidState, .fenced: 409
    case .tooLarge: 413
    case .exhausted: 507
    case .unavailable, .uncertain, .closed: 503
    case .trimmed: 410
    case .incompatible, .corrupt, .internal: 500
    }
  }

  /// The exit code of a command that failed with this code (`sysexits.h`).
  package var exitCode: Int32 {
    switch kind {
    case .invalid: 64
    case .unauthenticated, .forbidden: 77
    case .notFound, .trimmed: 66
    case .conflict, .fenced, .uncertain: 75
    case .invalidState, .tooLarge: 65
    case .exhausted: 73
    case .unavailable, .closed: 69
    case .incompatible: 78
    case .corrupt: 74
    case .internal: 70
    }
  }

  /// Whether a transaction in which an operation threw it keeps nothing, even where the body
  /// swallows the error: all but what Holdfast decides by itself, before it writes anything.
  package var dooms: Bool {
    switch kind {
    case .invalid, .notFound, .conflict, .invalidState, .fenced: false
    case .unauthenticated, .forbidden, .tooLarge, .exhausted, .unavailable, .uncertain, .trimmed,
      .incompatible, .corrupt, .closed, .internal:
      true
    }
  }

  /// What the code means, in a few words: the title of its page and of an HTTP problem.
  package var title: String {
    switch kind {
    case .invalid: "The call is not valid"
    case .unauthenticated: "Not signed in"
    case .forbidden: "Not allowed"
    case .notFound: "Not found"
    case .conflict: "Changed meanwhile"
    case .invalidState: "Not possible in this state"
    case .fenced: "The lease is lost"
    case .tooLarge: "Too large"
    case .exhausted: "No room"
    case .unavailable: "Not available now"
    case .uncertain: "The outcome is not known"
    case .trimmed: "No longer kept"
    case .incompatible: "Store and program do not fit"
    case .corrupt: "The stored data is damaged"
    case .closed: "The store is closed"
    case .internal: "A fault in Holdfast"
    }
  }

  /// The hint of an error that brings none of its own.
  package var hint: String {
    switch kind {
    case .invalid: "Mend the call and send it again."
    case .unauthenticated: "Sign in with a valid token."
    case .forbidden: "Ask an administrator for the right."
    case .notFound: "Create it first, or stop asking for it."
    case .conflict: "Read again and decide again."
    case .invalidState: "Look at the state and choose a step that is possible from there."
    case .fenced: "Stop working on it: whoever claims it next has another token."
    case .tooLarge: "Send less."
    case .exhausted: "Make room, then try again."
    case .unavailable: "Try again later; nothing was written."
    case .uncertain: "Repeat the call with the same idempotency key."
    case .trimmed: "Start again from what is still kept."
    case .incompatible: "Migrate the store, or run the version of Holdfast that made it."
    case .corrupt: "Restore a backup."
    case .closed: "Open the store again."
    case .internal: "Report this as a bug, with the request id."
    }
  }
}
