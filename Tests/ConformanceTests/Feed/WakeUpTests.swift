import Testing

@testable import Holdfast

@Suite(.timeLimit(.minutes(1))) struct WakeUpTests {
  /// Goal: a signal is for somebody who goes on: who was cancelled leaves it to the next.
  ///
  /// Method: a signal that nobody waits for, then a wait of a task that was cancelled, then another
  /// wait, which must end at once.
  @Test func `a wait that is cancelled takes no signal along`() async {
    let wakeUp = WakeUp()
    wakeUp.signal()
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await wakeUp.wait()
    }
    await cancelled.value
    await wakeUp.wait()
  }
}
