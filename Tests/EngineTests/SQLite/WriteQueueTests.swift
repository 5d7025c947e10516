import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

/// What becomes of calls between their callers, who may be cancelled, and the writer.
@Suite(.timeLimit(.minutes(5))) struct WriteQueueTests {
  /// A write that counts how often it is answered.
  // Unchecked: the count has a lock of its own, and the rest is the queue's.
  private final class Call: WriteCall, @unchecked Sendable {
    private let count = NIOLockedValueBox(0)

    init() { super.init(isRelaxed: false, arrived: .zero) }

    var answers: Int { count.withLockedValue(\.self) }

    override func reject(_ error: any Error) { count.withLockedValue { $0 += 1 } }
  }

  private struct Weak {
    weak var call: Call?
  }

  private let queue = WriteQueue()

  /// Goal: a call that is cancelled while it is being brought is answered once: a second answer is
  /// undefined.
  ///
  /// Method: one thread brings calls, another follows closely behind and cancels each.
  @Test func `a call that is cancelled as it comes is answered once`() throws {
    let calls = (0..<50_000).map { _ in (Call(), CancellableCall()) }
    let begun = NIOLockedValueBox(0)
    let thread = try WorkerThread(name: "test") { [queue] in
      for (place, call) in calls.enumerated() {
        while begun.withLockedValue(\.self) <= place { Pause.yield() }
        queue.cancel(call.1)
      }
    }
    for (place, call) in calls.enumerated() {
      begun.withLockedValue { $0 = place + 1 }
      queue.add(call.0, in: call.1)
    }
    thread.join()
    #expect(calls.count { $0.0.answers != 1 } == 0)
    #expect(queue.next(relaxedOnly: false) == nil)
  }

  /// Goal: whoever is refused is not told a second time that it was cancelled.
  ///
  /// Method: a closed queue; a cancellation before the call comes, and one after it.
  @Test func `a refused call is answered once`() {
    queue.close()
    let refused = (call: Call(), slot: CancellableCall())
    queue.add(refused.call, in: refused.slot)
    queue.cancel(refused.slot)
    #expect(refused.call.answers == 1)
    let cancelled = (call: Call(), slot: CancellableCall())
    queue.cancel(cancelled.slot)
    queue.add(cancelled.call, in: cancelled.slot)
    #expect(cancelled.call.answers == 1)
  }

  /// Goal: a call that was taken is not kept by the queue, also where that never becomes empty.
  ///
  /// Method: a call comes before each is taken; those that were taken must be gone.
  @Test func `a queue that is never empty keeps no call that was taken`() {
    queue.add(Call())
    var taken: [Weak] = []
    for _ in 0..<500 {
      queue.add(Call())
      taken.append(Weak(call: queue.next(relaxedOnly: false) as? Call))
    }
    #expect(taken.count { $0.call != nil } == 0)
    #expect(queue.count == 1)
  }
}
