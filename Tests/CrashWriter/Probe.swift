import Holdfast
import HoldfastEngine
import NIOConcurrencyHelpers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What happens at the engine's named points.
///
/// - `kill=POINT:N`: the process kills itself when it comes to the point for the nth time.
/// - `stop=POINT:N`: when it comes to the point for the nth time it says so, and stands still until it
///   is told to go on.
/// - `report=1`: it says at each point where it is and when, on the clock that all processes share.
final class Probe: Sendable {
  private let death: Place?
  private let stop: Place?
  private let reports: Bool

  /// Released by the order `go`.
  static let gate = Gate()

  init?(_ settings: Settings) {
    reports = settings.number("report", 0) == 1
    death = settings.text("kill").flatMap(Place.init)
    stop = settings.text("stop").flatMap(Place.init)
    guard reports || stop != nil || death != nil else { return nil }
  }

  @Sendable func step(_ point: ProbePoint) {
    if reports { Report.line("at \(point.rawValue) \(Report.microseconds)") }
    if let death, death.isReached(at: point) { die() }
    if let stop, stop.isReached(at: point) {
      Report.line("stopped \(point.rawValue)")
      Self.gate.wait()
    }
  }

  /// Dies as by `kill -9`: nothing is finished, flushed or said.
  private func die() -> Never {
    kill(getpid(), SIGKILL)
    while true { pause() }
  }
}

/// Holds a thread until somebody opens it; each opening lets one pass.
final class Gate: Sendable {
  private let lock = ConditionLock(value: 0)

  func wait() {
    lock.lock(whenValue: 1)
    lock.unlock(withValue: 0)
  }

  func open() {
    lock.lock(whenValue: 0)
    lock.unlock(withValue: 1)
  }
}

/// A named point, and at the how manieth time it counts.
private final class Place: Sendable {
  private let point: ProbePoint
  private let left: NIOLockedValueBox<Int>

  init?(_ text: String) {
    let words = text.split(separator: ":")
    guard words.count == 2, let point = ProbePoint(rawValue: String(words[0])),
      let count = Int(words[1])
    else { return nil }
    self.point = point
    left = NIOLockedValueBox(count)
  }

  func isReached(at point: ProbePoint) -> Bool {
    guard point == self.point else { return false }
    return left.withLockedValue { left in
      left -= 1
      return left == 0
    }
  }
}
