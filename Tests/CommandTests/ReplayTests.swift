import Foundation
import Holdfast
import HoldfastTesting
import Testing

/// The example that loads recorded runs.
@Suite(.timeLimit(.minutes(5))) struct ReplayTests {
  /// Goal: recorded runs are stored exactly once each, however often the loader dies.
  ///
  /// Method: it is killed three times after a number of steps and started again; then the store
  /// holds every message once and in order, every tool call with its result and an audit record of
  /// each (by the loader's own comparison, and by reading one run here), all runs are completed,
  /// and another start stores nothing.
  @Test(arguments: Engines.available)
  func `a loader that is killed loses and repeats nothing`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let file = try place.file("airline.v2.jsonl", Self.recording)
    let arguments = [file, "--store", place.store]
    for steps in [20, 45, 70] {
      let killed = try await Tool.run(.replay, arguments + ["--die-after", String(steps)])
      #expect(killed.signal == SIGKILL)
    }
    let outcome = try await Tool.run(.replay, arguments + ["--verify"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.lines.contains { $0.hasPrefix("runs        20 (") })
    #expect(outcome.lines.contains { $0.hasPrefix("messages    200 (") })
    #expect(outcome.lines.contains("tool calls  80"))
    #expect(outcome.lines.suffix(9).dropLast().elementsEqual(Self.counts))
    #expect(outcome.lines.last?.hasPrefix("verified") == true)
    let again = try await Tool.run(.replay, arguments)
    #expect(again.lines.first == "runs        20 (0 completed now, 20 found)")
    #expect(again.lines.dropFirst().first == "messages    200 (0 stored now, 200 found)")
    try await Self.check(place)
  }

  /// Goal: what is not as it should be is found and named.
  ///
  /// Method: a message, a tool call, the audit log and a reward are changed behind the loader's
  /// back, and the comparison fails; a file with the same run twice, and one that holds no runs,
  /// are refused before anything is stored.
  @Test func `a difference is found`() async throws {
    let place = try await Place()
    let file = try place.file("airline.jsonl", Self.recording)
    let load = [file, "--store", place.store, "--verify"]
    #expect(try await Tool.run(.replay, load).code == 0)
    try await place.done("session", "pop", "airline-3-0", "--yes")
    try await place.done("session", "append", "airline-3-0", #"{"role":"user"}"#)
    try await place.done("task", "complete", "airline-4-0:000010-01")
    try await place.done("audit", "record", "tool.call", "--run", "airline-5-0")
    try await place.done("run", "update", "airline-6-0", "--metadata", #"{"reward":0.0}"#)
    for run in ["airline-3-0", "airline-4-0", "airline-5-0", "airline-6-0"] {
      let only = try place.file("airline.jsonl", Self.line(of: run))
      let outcome = try await Tool.run(.replay, [only, "--store", place.store, "--verify"])
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains("\(run) differs"))
    }
    let line = #"{"task_id":1,"trial":0,"messages":[]}"#
    for wrong in [
      line + "\n" + line, "[]", "not json", #"{"task_id":1}"#, #"{"messages":[1]}"#,
    ] {
      let other = try await Place()
      let path = try other.file("wrong.jsonl", wrong)
      #expect(try await Tool.run(.replay, [path, "--store", other.store]).code == 1)
      #expect(try await other.holdfast("run", "list").output.isEmpty)
    }
  }

  /// Goal: real recordings go through too.
  ///
  /// Method: where the environment names a file of recorded runs, it is loaded and compared.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["HOLDFAST_RECORDED_RUNS"] != nil))
  func `a file of real runs is loaded exactly`() async throws {
    let file = try #require(ProcessInfo.processInfo.environment["HOLDFAST_RECORDED_RUNS"])
    let place = try await Place()
    let outcome = try await Tool.run(.replay, [file, "--store", place.store, "--verify"])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  private static func check(_ place: Place) async throws {
    let store = try await Store.open(StoreLocation(place.store), options: .testing())
    let counts = try await store.runs.counts()
    let items = try await store.sessions.items(of: "airline-7-1").items
    let calls = try await store.tasks.list(TaskQuery(run: "airline-7-1", order: .oldest)).items
    let records = try await store.audit.list(AuditQuery(run: "airline-7-1")).items
    let run = try await store.runs.get("airline-7-1")
    await store.close()
    #expect(counts[.completed] == 20)
    #expect(items.map(\.position) == Array(1...10))
    #expect(items.first?.item["content"] == "run 7-1, message 0")
    // Two calls of one identifier are two tasks, each with the answer that came to it.
    let places = ["000003-01", "000005-01", "000007-01", "000010-01"]
    #expect(calls.map(\.id) == places.map { "airline-7-1:\($0)" })
    #expect(calls.map(\.result) == ["found 3", "found 5", "found 7", nil])
    #expect(calls.map(\.status) == [.completed, .completed, .completed, .running])
    #expect(calls.map(\.parameters) == [["n": 2], ["n": 4], ["n": 6], ["n": 9]])
    #expect(calls.allSatisfy { $0.command == "find" && $0.fencingToken == 0 })
    #expect(records.count { $0.action == "tool.call" } == 4)
    #expect(records.count { $0.action == "tool.answer" } == 3)
    #expect(run?.metadata["reward"] == 1.0)
    #expect(run?.tags == ["replay"])
  }

  /// What the loader says of the twenty runs when it has compared them.
  private static let counts = [
    "                     file   store",
    "runs, completed        20      20",
    "rewards                20      20",
    "messages              200     200",
    "tool calls             80      80",
    "  completed            60      60",
    "  left running         20      20",
    "audit records         140     140",
  ]

  /// The line of one run.
  private static func line(of run: String) -> String {
    let words = run.split(separator: "-")
    let start = #"{"task_id": \#(words[1]), "trial": \#(words[2]),"#
    return recording.split(separator: "\n").first { $0.hasPrefix(start) }.map(String.init) ?? ""
  }

  /// Twenty runs of ten messages and four tool calls each, the last of them without an answer, in
  /// the shape of recorded conversations.
  private static let recording: String = (0..<10).flatMap { task in
    (0..<2).map { trial in
      let messages = (0..<10).map { number in
        message(number, "run \(task)-\(trial), message \(number)")
      }
      let list = messages.joined(separator: ", ")
      return #"{"task_id": \#(task), "trial": \#(trial), "reward": 1.0, "messages": [\#(list)]}"#
    }
  }.joined(separator: "\n")

  private static func message(_ number: Int, _ content: String) -> String {
    switch number {
    case 2, 4, 6, 9:
      let call = number < 6 ? 0 : 1
      let function = ##"{"name": "find", "arguments": "{\"n\": \##(number)}"}"##
      let made = #"{"id": "call_\#(call)", "type": "function", "function": \#(function)}"#
      return #"{"role": "assistant", "content": null, "tool_calls": [\#(made)]}"#
    case 3, 5, 7:
      let call = number == 7 ? 1 : 0
      return
        #"{"role": "tool", "tool_call_id": "call_\#(call)", "name": "find", "#
        + #""content": "found \#(number)"}"#
    default:
      return #"{"role": "\#(number % 2 == 0 ? "user" : "assistant")", "content": "\#(content)"}"#
    }
  }
}
