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
/// - `stop=POINT`: it says so and stands still there until it is told to go on.
/// - `report=1`: it says at each point where it is and when, on the clock that all processes share.
final class Probe: Sendable {
  private let death: (point: ProbePoint, left: NIOLockedValueBox<Int>)?
  private let stop: ProbePoint?
  private let reports: Bool

  /// Released by the order `go`.
  static let gate = Gate()

  init?(_ settings: Settings) throws(StoreError) {
    reports = settings.number("report", 0) == 1
    stop = settings.text("stop").flatMap { ProbePoint(rawValue: $0) }
    let words = (settings.text("kill") ?? "").split(separator: ":")
    if words.count == 2, let point = ProbePoint(rawValue: String(words[0])),
      let count = Int(words[1])
    {
      death = (point, NIOLockedValueBox(count))
    } else {
      death = nil
    }
    guard reports || stop != nil || death != nil else { return nil }
  }

  @Sendable func step(_ point: ProbePoint) throws(StoreError) {
    if reports { Report.line("at \(point.rawValue) \(Report.microseconds)") }
    if let death, death.point == point {
      let left = death.left.withLockedValue { left in
        left -= 1
        return left
      }
      if left == 0 { die() }
    }
    if stop == point {
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
