import HoldfastCore
import HoldfastEngine
import Testing

@Suite(.timeLimit(.minutes(5))) struct StoreClockTests {
  private func at(_ microseconds: Int64) -> Instant { Instant(microseconds: microseconds) }

  /// Goal: a clock set back does not take the store back.
  ///
  /// Method: read the time, set the wall clock an hour back, let a second pass on the monotonic
  /// clock: the store's time is one second later, not an hour earlier.
  @Test func `time runs on monotonically when the wall clock goes back`() {
    var clock = StoreClock()
    #expect(clock.now(wall: at(7_200_000_000), monotonic: .seconds(5)) == at(7_200_000_000))
    #expect(clock.now(wall: at(3_600_000_000), monotonic: .seconds(6)) == at(7_201_000_000))
    #expect(clock.now(wall: at(3_600_000_000), monotonic: .seconds(6)) == at(7_201_000_000))
  }

  /// Goal: time follows the wall clock forwards, so that a machine that slept is not left behind.
  ///
  /// Method: jump an hour forward without monotonic time passing.
  @Test func `time follows a jump of the wall clock forwards`() {
    var clock = StoreClock()
    _ = clock.now(wall: at(1_000), monotonic: .zero)
    #expect(clock.now(wall: at(3_600_001_000), monotonic: .zero) == at(3_600_001_000))
  }

  /// Goal: no time lies below one that is stored already.
  ///
  /// Method: raise the floor above the wall clock, before the first reading and after it, and look
  /// that time goes on from there; a lower floor changes nothing.
  @Test func `time is never below what is stored`() {
    var clock = StoreClock()
    clock.raise(to: at(500))
    #expect(clock.now(wall: at(100), monotonic: .seconds(1)) == at(500))
    #expect(clock.now(wall: at(100), monotonic: .seconds(2)) == at(1_000_500))
    clock.raise(to: at(9_000_000))
    clock.raise(to: at(8_000_000))
    #expect(clock.now(wall: at(100), monotonic: .seconds(2)) == at(9_000_000))
    #expect(clock.now(wall: at(100), monotonic: .seconds(3)) == at(10_000_000))
  }

  /// Goal: even a broken monotonic clock does not take time back.
  ///
  /// Method: let both clocks go back.
  @Test func `time stands still when both clocks go back`() {
    var clock = StoreClock()
    _ = clock.now(wall: at(1_000), monotonic: .seconds(9))
    #expect(clock.now(wall: at(10), monotonic: .seconds(8)) == at(1_000))
  }
}
