import HoldfastCore
import Testing

@Suite struct TaskStateTests {
  /// What each event makes of each status; what is not here is refused.
  static let steps: [TaskStatus: [TaskEvent: TaskStatus]] = [
    .pending: [
      .start: .running, .awaitApproval: .awaitingApproval, .fail: .failed, .cancel: .cancelled,
    ],
    .running: [
      .complete: .completed, .fail: .failed, .cancel: .cancelled, .wait: .waiting,
      .awaitApproval: .awaitingApproval, .retry: .pending, .release: .pending,
    ],
    .waiting: [.resume: .pending, .fail: .failed, .cancel: .cancelled],
    .awaitingApproval: [.resume: .pending, .fail: .failed, .cancel: .cancelled],
    .completed: [:],
    .failed: [.requeue: .pending],
    .cancelled: [.requeue: .pending],
  ]

  /// Goal: a task takes the steps that are documented and no others; what ends it sets when.
  ///
  /// Method: every event in every status.
  @Test(arguments: TaskStatus.allCases, TaskEvent.allCases)
  func `a task takes only legal steps`(status: TaskStatus, event: TaskEvent) throws {
    let now = Instant(microseconds: 500)
    let started = Instant(microseconds: 100)
    let ended: Instant? = status.isFinal ? Instant(microseconds: 200) : nil
    let before = TaskState(status: status, attempt: 3, startedAt: started, completedAt: ended)
    var state = before
    let error = refusal { try state.apply(event, at: now) }
    guard let next = Self.steps[status]?[event] else {
      #expect(error?.code == .invalidState)
      #expect(
        error?.details == ["from": .string(status.rawValue), "event": .string(event.rawValue)])
      #expect(state == before)
      return
    }
    #expect(error == nil)
    #expect(state.status == next)
    #expect(state.completedAt == (next.isFinal ? now : nil))
    // What is pending has not begun, whatever was before.
    let begun = next == .pending ? Instant?.none : started
    #expect(state.startedAt == (event == .start ? now : begun))
  }

  /// Goal: from each status exactly those can be reached that are documented.
  ///
  /// Method: every pair.
  @Test(arguments: TaskStatus.allCases, TaskStatus.allCases)
  func `a task reaches only legal states`(status: TaskStatus, next: TaskStatus) {
    let legal: [TaskStatus: Set<TaskStatus>] = [
      .pending: [.running, .awaitingApproval, .failed, .cancelled],
      .running: [.completed, .failed, .cancelled, .waiting, .awaitingApproval, .pending],
      .waiting: [.pending, .failed, .cancelled],
      .awaitingApproval: [.pending, .failed, .cancelled],
      .completed: [],
      .failed: [.pending],
      .cancelled: [.pending],
    ]
    let now = Instant(microseconds: 500)
    let before = TaskState(
      status: status, attempt: 1, completedAt: status.isFinal ? Instant(microseconds: 1) : nil)
    var state = before
    let error = refusal { try state.move(to: next, at: now) }
    if legal[status]?.contains(next) == true {
      #expect(error == nil && state.status == next)
    } else {
      #expect(error?.code == .invalidState && state == before)
      #expect(
        error?.details == ["from": .string(status.rawValue), "to": .string(next.rawValue)])
    }
  }

  /// Goal: the attempt counts the runs that failed and the one going on, never one that was handed
  /// back, slept or waited for an approval; requeueing begins anew.
  ///
  /// Method: a life through all of them.
  @Test func `the attempt counts failed runs and the one going on`() throws {
    var state = TaskState()
    let now = Instant(microseconds: 1)
    func after(_ events: TaskEvent...) throws -> Int {
      for event in events { try state.apply(event, at: now) }
      return state.attempt
    }
    #expect(try after(.start) == 1)
    #expect(try after(.release) == 0)
    #expect(try after(.start, .wait) == 0)
    #expect(try after(.resume, .start, .awaitApproval) == 0)
    #expect(try after(.resume, .start) == 1)
    #expect(try after(.retry) == 1)
    #expect(try after(.awaitApproval, .resume) == 1)
    #expect(try after(.start) == 2)
    #expect(state.mayRetry(attemptsMax: 3) && !state.mayRetry(attemptsMax: 2))
    #expect(try after(.fail) == 2)
    #expect(try after(.requeue) == 0)
    #expect(state.completedAt == nil)
  }

  /// Goal: a new task is pending, and the words on the wire are the names.
  ///
  /// Method: looks.
  @Test func `a new task is pending`() {
    #expect(TaskState() == TaskState(status: .pending, attempt: 0))
    #expect(TaskStatus.allCases.filter(\.isFinal) == [.completed, .failed, .cancelled])
    #expect(
      TaskStatus.allCases.map(\.rawValue) == [
        "pending", "running", "waiting", "awaiting_approval", "completed", "failed", "cancelled",
      ])
  }
}
