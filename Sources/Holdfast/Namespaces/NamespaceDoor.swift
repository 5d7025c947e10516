import HoldfastCore

/// The doors between those who put and those who clear, on PostgreSQL.
///
/// A put goes through its namespace's door and stays behind it until it has committed; a clear
/// shuts the door before its snapshot is taken. So of a put and a clear each is wholly before the
/// other: in what is stored, and by the numbers of their transactions, which order the feed.
///
/// They are few, because a transaction may hold one of each, and the server's table of locks is
/// bounded; two namespaces behind one door only wait for each other's clears. The first two
/// segments decide, so that a run, or a bot, and all below it lie behind one.
enum NamespaceDoor {
  /// How many there are.
  static let count = 64

  /// The door of a namespace.
  static func number(of namespace: Namespace) -> Int64 {
    let parts = namespace.segments.prefix(2)
    let place =
      parts.count == 2 ? HotRow.number("door", parts[0], parts[1]) : HotRow.number("door", parts[0])
    return place & Int64(count - 1)
  }

  /// The doors of a namespace and, where that is asked for, of all below it.
  static func numbers(of namespace: Namespace, below: Bool) -> [Int] {
    guard below, namespace.segments.count < 2 else { return [Int(number(of: namespace))] }
    return Array(0..<count)
  }
}
