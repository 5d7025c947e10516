import HoldfastCore
import Testing

@testable import HoldfastEngine

/// How long a group of writes is held open for the callers that the one before it answered.
@Suite(.timeLimit(.minutes(5))) struct GroupGatheringTests {
  /// A write that nobody waits for.
  // Unchecked: only the thread of the test has it.
  private final class Call: WriteCall, @unchecked Sendable {
    init() { super.init(isRelaxed: false, arrived: .zero) }
  }

  private let queue = WriteQueue()
  private let call = Call()

  @Test func `a caller that comes back is taken into the open group`() {
    var gathering = GroupGathering()
    gathering.end(answering: 2, queue)
    queue.add(call)
    #expect(gathering.next(from: queue) === call)
  }

  @Test func `nobody is waited for once all are back`() {
    var gathering = GroupGathering()
    gathering.end(answering: 2, queue)
    queue.add(Call())
    queue.add(Call())
    _ = queue.next(relaxedOnly: false)
    _ = queue.next(relaxedOnly: false)
    #expect(gathering.next(from: queue) == nil)
    // It was no vain wait: the next group is held open.
    gathering.end(answering: 2, queue)
    queue.add(call)
    #expect(gathering.next(from: queue) === call)
  }

  @Test func `a lone caller is not waited for`() {
    var gathering = GroupGathering()
    gathering.end(answering: 1, queue)
    queue.add(call)
    #expect(gathering.next(from: queue) == nil)
  }

  @Test func `after vain waits ever more groups are not held open`() {
    var gathering = GroupGathering()
    for skipped in [1, 2, 4] {
      gathering.end(answering: 2, queue)
      #expect(gathering.next(from: queue) == nil)
      for _ in 0..<skipped {
        gathering.end(answering: 2, queue)
        let late = Call()
        queue.add(late)
        #expect(gathering.next(from: queue) == nil)
        #expect(queue.next(relaxedOnly: false) === late)
      }
    }
    gathering.end(answering: 2, queue)
    queue.add(call)
    #expect(gathering.next(from: queue) === call)
  }
}
