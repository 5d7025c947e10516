/// What the holder of a token may do; each role may also do all that the roles before it may.
public enum Role: String, Codable, CaseIterable, Comparable, Sendable {
  /// Reads and lists, but no secret.
  case reader
  /// Also writes data, works tasks, requests approvals and uses them.
  case agent
  /// Also decides, redrives, cancels and reveals.
  case `operator`
  /// Everything.
  case admin

  /// Whether this role may do what a role is needed for.
  ///
  /// - Parameter needed: The least role that may do it.
  /// - Returns: Whether this role is that one or above it.
  public func allows(_ needed: Role) -> Bool { self >= needed }

  /// Whether the first role may do less than the second.
  ///
  /// - Parameters:
  ///   - left: A role.
  ///   - right: Another role.
  /// - Returns: Whether `left` stands below `right`.
  public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .reader: 0
    case .agent: 1
    case .operator: 2
    case .admin: 3
    }
  }
}
