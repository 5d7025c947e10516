import HoldfastCore
import HoldfastEngine

/// Whether what lies under a run may still be written.
///
/// A run that was never begun may be written, and so may a paused or finished one; an archived one
/// may not, and a deleted one never again, so that no late writer brings it back.
enum RunGuard {
  /// Checks a namespace before it is written.
  ///
  /// - Parameters:
  ///   - namespace: The namespace.
  ///   - connection: The transaction's connection.
  /// - Throws: `invalid_state` for the namespace of an archived or deleted run.
  static func check(
    _ namespace: Namespace, on connection: any Connection
  ) throws(StoreError) {
    guard let run = namespace.runID else { return }
    try check(run: run, on: connection)
  }

  /// Checks a run before something that belongs to it is written.
  ///
  /// - Parameters:
  ///   - run: The run's id.
  ///   - connection: The transaction's connection.
  /// - Throws: `invalid_state` for an archived or deleted run.
  static func check(run: String, on connection: any Connection) throws(StoreError) {
    let status = try connection.first(status, [.text(run)]) { $0.text(0) }
    switch status {
    case "archived":
      throw StoreError(
        .invalidState, "The run is archived and can no longer be written.",
        hint: "Begin a new run.", details: ["run": .string(run), "status": "archived"])
    case "deleted": throw deleted(run)
    default: return
    }
  }

  /// Refuses a run that was deleted; an archived one passes.
  ///
  /// - Parameters:
  ///   - run: The run's id.
  ///   - connection: The transaction's connection.
  /// - Throws: `invalid_state` for a deleted run.
  static func check(deleted run: String, on connection: any Connection) throws(StoreError) {
    let status = try connection.first(status, [.text(run)]) { $0.text(0) }
    guard status != "deleted" else { throw deleted(run) }
  }

  private static func deleted(_ run: String) -> StoreError {
    StoreError(
      .invalidState, "The run was deleted; its id cannot be used again.",
      hint: "Begin a new run with another id.",
      details: ["run": .string(run), "status": "deleted"])
  }

  private static let status = Statement(
    """
    SELECT status
    FROM runs
    WHERE id = $1
    """)
}
