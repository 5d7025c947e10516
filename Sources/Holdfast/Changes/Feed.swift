import HoldfastCore
import HoldfastEngine

/// How an operation enters an event into the change feed.
enum Feed {
  /// The step that enters one event with this transaction's revision and time.
  ///
  /// - Parameters:
  ///   - kind: What kind of thing changed.
  ///   - namespace: The namespace that decides who may see it.
  ///   - subject: The key or id; `nil` for the whole namespace.
  ///   - operation: What happened.
  ///   - below: Whether it also concerns every namespace below.
  /// - Returns: The step.
  static func event(
    _ kind: String, _ namespace: Namespace, _ subject: String?, _ operation: String,
    below: Bool = false
  ) -> Step {
    Step(
      record,
      [
        .text(kind), .text(namespace.text), Bound(subject), .text(operation), Bound(below),
      ])
  }

  /// $1 kind, $2 namespace, $3 key or id, $4 operation, $5 below.
  private static let record = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, below, at)
    VALUES (holdfast_revision(), $1, $2, $3, $4, $5, holdfast_now())
    """)
}
