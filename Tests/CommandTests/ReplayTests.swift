import Foundation
import Holdfast
import HoldfastTesting
import Testing

/// The example that loads recorded runs.
@Suite struct ReplayTests {
  /// Goal: recorded runs are stored exactly once each, however often the loader dies.
  ///
  /// Method: it is killed three times after a number of steps and started again; then the store
  /// holds every message once and in order and every tool call with its result (by the loader's own
  /// comparison, and by reading one run here), all runs are completed, and another start stores
  /// nothing.
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
    #expect(outcome.lines.contains("tool calls  60"))
    #expect(outcome.lines.last?.hasPrefix("verified") == true)
    let again = try await Tool.run(.replay, arguments)
    #expect(again.lines.first == "runs        20 (0 completed now, 20 found)")
    #expect(again.lines.dropFirst().first == "messages    200 (0 stored now, 200 found)")
    try await Self.check(place)
  }

  /// Goal: what is not as it should be is found and named.
  ///
  /// Method: a message is changed behind the loader's back, and the comparison fails; a file with
  /// the same run twice, and one that holds no runs, are refused before anything is stored.
  @Test func `a difference is found`() async throws {
    let place = try await Place()
    let file = try place.file("airline.jsonl", Self.recording)
    let load = [file, "--store", place.store, "--verify"]
    #expect(try await Tool.run(.replay, load).code == 0)
    try await place.done("kv", "put", "run:airline-3-0:messages", "000004", #"{"role":"user"}"#)
    let outcome = try await Tool.run(.replay, load)
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("airline-3-0 differs"))
    let line = #"{"task_id":1,"trial":0,"messages":[]}"#
    for wrong in [line + "\n" + line, "[]", "not json", #"{"task_id":1}"#] {
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
    let messages = try await store.kv(Namespace("run:airline-7-1:messages")).entries().all()
    let calls = try await store.kv(Namespace("run:airline-7-1:tool-calls")).entries().all()
    let run = try await store.runs.get("airline-7-1")
    await store.close()
    #expect(counts[.completed] == 20)
    #expect(messages.map(\.key) == (1...10).map { String(format: "%06d", $0) })
    #expect(messages.compactMap { $0.value?["content"]?.stringValue }.first == "run 7-1, message 0")
    #expect(calls.count == 3)
    #expect(calls.allSatisfy { $0.value?["result"]?.stringValue?.hasPrefix("found") == true })
    // Two calls of one identifier are two calls, each with the answer that came to it.
    #expect(calls.map { $0.value?["id"] } == ["call_0", "call_0", "call_1"])
    #expect(Set(calls.compactMap { $0.value?["result"]?.stringValue }).count == 3)
    #expect(run?.metadata["reward"] == 1.0)
    #expect(run?.tags == ["replay"])
  }

  /// Twenty runs of ten messages and three tool calls each, in the shape of recorded conversations.
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
    case 2, 4, 6:
      let call = number == 6 ? 1 : 0
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
