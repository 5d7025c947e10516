import HoldfastCore
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct PostgresPartsTests {
  /// Goal: each state that the server may report has the code that tells the caller what to do.
  ///
  /// Method: one row a state.
  @Test(arguments: [
    ("08006", StoreError.Code.unavailable), ("08P01", .internal), ("0A000", .internal),
    ("22021", .invalid), ("22P05", .invalid), ("23505", .unavailable), ("23P01", .unavailable),
    ("23514", .internal), ("25006", .unavailable), ("25P02", .unavailable),
    ("25P03", .unavailable), ("28000", .unauthenticated), ("28P01", .unauthenticated),
    ("3D000", .notFound), ("3F000", .notFound), ("40001", .unavailable), ("40003", .uncertain),
    ("40P01", .unavailable), ("42501", .forbidden), ("42601", .internal), ("42703", .incompatible),
    ("42883", .incompatible), ("42P01", .incompatible), ("42P07", .incompatible),
    ("53000", .exhausted), ("53100", .exhausted), ("53200", .unavailable), ("53300", .unavailable),
    ("53400", .exhausted), ("54000", .tooLarge), ("54001", .tooLarge), ("55P03", .unavailable),
    ("57014", .unavailable), ("57P01", .unavailable), ("57P02", .unavailable),
    ("57P03", .unavailable), ("58030", .unavailable), ("72000", .unavailable), ("XX000", .internal),
    ("XX001", .corrupt), ("XX002", .corrupt), ("", .unavailable),
  ])
  func `each state has its code`(state: String, code: StoreError.Code) {
    let error = DatabaseFailure(state: state).storeError
    #expect(error.code == code)
    #expect(error.details["sqlstate"]?.stringValue ?? "" == state)
  }

  /// Goal: only what may pass is tried again, and only a server's word denies a commit.
  ///
  /// Method: the states of serialization failures and some others; a panic and a broken connection.
  @Test func `failures are told apart`() {
    for state in ["40001", "40P01", "23505", "23P01"] {
      #expect(DatabaseFailure(state: state).isRetryable)
    }
    for state in ["", "57P01", "22021", "53100"] {
      #expect(!DatabaseFailure(state: state).isRetryable)
    }
    #expect(DatabaseFailure(state: "57P01", severity: "FATAL").deniesCommit)
    #expect(!DatabaseFailure(state: "XX000", severity: "PANIC").deniesCommit)
    #expect(!DatabaseFailure.connectionLost.deniesCommit)
  }

  /// Goal: the reason of a refused connection is read from the server's line and from nothing else.
  ///
  /// Method: messages with codes, and with things that look like codes.
  @Test func `a refusal's code is read from the end of its line`() {
    let refused = "connection to server at \"h\", port 54321 failed: FATAL:  28P01\n"
    #expect(Connecting.states(in: refused) == ["28P01"])
    #expect(Connecting.states(in: "connection to \"h\", port 54000 failed: refused\n") == [])
  }

  /// Goal: a failed preparation, a skipped part and a failure at a Sync all land where they belong.
  ///
  /// Method: feeds the machine what libpq would say.
  @Test func `answers find their parts`() {
    var progress = PipelineProgress()
    progress.begin(parts: 4)
    progress.expect(.preparation(statement: 9, part: 0))
    progress.expect(.part(0))
    progress.expect(.part(1))
    progress.expect(.sync(2))
    let failure = DatabaseFailure(state: "42P01")
    let prepared = progress.take(.outcome(.failed(failure)))
    #expect(prepared?.statement == 9)
    #expect(prepared?.holds == false)
    _ = progress.take(.separator)
    for _ in 0..<2 {
      _ = progress.take(.outcome(.skipped))
      _ = progress.take(.separator)
    }
    _ = progress.take(.outcome(.failed(DatabaseFailure(state: "40001"))))
    _ = progress.take(.separator)
    #expect(!progress.isComplete)
    _ = progress.take(.sync)
    #expect(progress.isComplete)
    let answer = progress.end(lost: false)
    #expect(answer.failure == failure)
    guard case .failed(let atSync) = answer.parts[2] else {
      Issue.record("the Sync's own failure is missing")
      return
    }
    #expect(atSync.state == "40001")
    // The fourth part was never handed over: that is a broken connection.
    #expect(answer.handedOver == 3)
    #expect(answer.lost)
  }

  /// Goal: timers come up in order, and cancelled ones never.
  ///
  /// Method: adds many out of order, cancels every third, and takes them at two times.
  @Test func `timers come up in order`() {
    // Unchecked: one thread, the one that this test runs on, takes the timers and looks at the log.
    final class Log: @unchecked Sendable { var numbers: [Int] = [] }
    let log = Log()
    var timers = Timers()
    let order = (0..<300).map { $0 * 7 % 300 }
    var tickets: [Int: Timers.Ticket] = [:]
    for number in order {
      tickets[number] = timers.add(at: .milliseconds(number)) { log.numbers.append(number) }
    }
    for number in 0..<300 where number % 3 != 0 {
      if let ticket = tickets[number] { timers.cancel(ticket) }
    }
    for extra in 300..<310 {
      _ = timers.add(at: .milliseconds(extra)) { log.numbers.append(extra) }
    }
    for action in timers.take(dueAt: .milliseconds(150)) { action() }
    #expect(log.numbers == stride(from: 0, through: 150, by: 3).map(\.self))
    for action in timers.take(dueAt: .seconds(1)) { action() }
    #expect(log.numbers == stride(from: 0, to: 300, by: 3).map(\.self) + Array(300..<310))
    #expect(timers.next == nil)
  }

  /// Goal: a queue gives back what went in, in order, however it grows and shrinks.
  ///
  /// Method: takes two of every three that went in, then the rest.
  @Test func `a queue keeps its order`() {
    var queue = Queue<Int>()
    var taken: [Int] = []
    for number in 0..<1_000 {
      queue.append(number)
      if number % 3 != 0, let first = queue.popFirst() { taken.append(first) }
    }
    while let first = queue.popFirst() { taken.append(first) }
    #expect(taken == Array(0..<1_000))
    #expect(queue.isEmpty)
  }
}
