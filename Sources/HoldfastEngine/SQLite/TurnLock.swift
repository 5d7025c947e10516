import CSQLite
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The turn that writers of all processes take at a database, in a file beside it.
///
/// SQLite's own lock has no queue, and neither has a file lock: whoever gives it up and asks again
/// at once mostly gets it again, while others wait for seconds. So there are two locks. A writer
/// takes the *gate*, then waits for the *turn*, then gives up the gate; who has just written must
/// pass the gate first, and that is held by whoever waits for the turn.
///
/// Invariants:
/// - Only the holder of the turn begins a writing transaction or a checkpoint.
/// - The gate is held only while waiting for the turn, never while working.
/// - The locks belong to the open file (OFD), not to the process: two stores in one process exclude
///   each other as well, and closing some other descriptor of the file gives nothing up. They go
///   when the process dies.
final class TurnLock: Sendable {
  private enum Place {
    static let gate: off_t = 0
    static let turn: off_t = 1
  }

  private let file: Int32

  /// Opens the lock file, and makes it where it is missing.
  ///
  /// - Parameter path: The path of the database.
  /// - Throws: What the system says, as a ``StoreError``.
  init(beside path: String) throws(StoreError) {
    file = open(Self.name(beside: path), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      let reason = SQLitePath.reason(errno)
      throw StoreError(
        .unavailable, "The lock file beside the store cannot be opened: \(reason).",
        hint: "Give this user the right to write in the store's folder.")
    }
  }

  private static func name(beside path: String) -> String { path + "-holdfast" }

  /// Whether there is a lock file, as beside every file that was opened as a store.
  ///
  /// - Parameter path: The path of the database.
  /// - Returns: Whether it is there.
  static func isThere(beside path: String) -> Bool {
    var about = stat()
    return stat(name(beside: path), &about) == 0
  }

  deinit { close(file) }

  /// Takes the turn.
  ///
  /// - Parameter goesOn: Asked before each sleep; `false` gives up.
  /// - Returns: Whether the turn was taken.
  func take(while goesOn: () -> Bool) -> Bool {
    guard wait(for: Place.gate, while: goesOn) else { return false }
    defer { unlock(Place.gate) }
    return wait(for: Place.turn, while: goesOn)
  }

  /// Takes the turn within a bound of time, or fails as `unavailable`.
  ///
  /// - Parameter bound: How long to wait at most.
  /// - Throws: `unavailable` when the wait was too long.
  func take(within bound: Duration) throws(StoreError) {
    let clock = SystemTimeSource()
    let start = clock.monotonicTime()
    guard take(while: { clock.monotonicTime() - start < bound }) else { throw Self.busy }
  }

  /// Gives the turn up.
  func giveUp() { unlock(Place.turn) }

  /// Whether no other store holds the turn, so that none of them is about to commit.
  var isFree: Bool { holdfast_byte_is_free(file, Place.turn) }

  /// What a call gets that waited for the turn for too long.
  static var busy: StoreError {
    StoreError(
      .unavailable, "Other writers held the store for too long.",
      hint: "Try again later; nothing was written.")
  }

  private func wait(for place: off_t, while goesOn: () -> Bool) -> Bool {
    var attempts = 0
    while holdfast_lock_byte(file, place, Int16(F_WRLCK)) != 0 {
      guard goesOn() else { return false }
      Pause.between(attempts: attempts)
      attempts += 1
    }
    return true
  }

  private func unlock(_ place: off_t) { _ = holdfast_lock_byte(file, place, Int16(F_UNLCK)) }
}
