import Holdfast

/// One recorded run, taken apart into the steps in which it will be stored.
struct RecordedRun: Sendable {
  /// The run's identifier in the store.
  let id: String
  /// What is known of it before it begins.
  let metadata: Object
  /// What it earned; known at its end.
  let reward: Value?
  /// One step a message, in order.
  let steps: [RecordedStep]
  /// How long its line is.
  let bytes: Int
}

/// What one message adds to the store.
struct RecordedStep: Sendable {
  /// Which message of the run it is, from 1.
  let number: Int
  /// The message, as it was recorded.
  let message: Value
  /// The tool calls that it makes.
  let calls: [RecordedCall]
  /// The tool call that it answers.
  let answer: RecordedAnswer?
}

/// A tool call: a task of the run.
struct RecordedCall: Sendable {
  /// The task's identifier.
  let task: String
  /// The tool's name: the task's command.
  let tool: String
  /// What the tool was called with: the task's parameters.
  let arguments: Value
}

/// What a tool gave.
struct RecordedAnswer: Sendable {
  /// The call that it answers.
  let call: RecordedCall
  /// The task's result.
  let result: Value
}

extension RecordedRun {
  /// Reads a run from a line.
  ///
  /// - Parameters:
  ///   - line: The line.
  ///   - name: What the identifiers of the file's runs begin with.
  /// - Throws: ``StoreError`` with the line's number.
  init(_ line: Line, _ name: String) throws(StoreError) {
    let value: Value
    do throws(StoreError) {
      value = try Value(json: line.bytes)
    } catch {
      throw StoreError(
        .invalid, "Line \(line.number) is no JSON: \(error.message)", hint: error.hint)
    }
    guard let messages = value["messages"]?.arrayValue else {
      throw StoreError(
        .invalid, "Line \(line.number) is no run: it has no list of messages.",
        hint: "Write each run as an object with task_id, trial, reward and messages.")
    }
    guard messages.allSatisfy({ $0.objectValue != nil }) else {
      throw StoreError(
        .invalid, "Line \(line.number) is no run: one of its messages is no object.",
        hint: "Write each message as an object with role and content.")
    }
    let words = [value["task_id"], value["trial"]].compactMap { $0.flatMap(Self.word) }
    id = ([name] + (words.count == 2 ? words : ["line", "\(line.number)"])).joined(separator: "-")
    var metadata: Object = [:]
    for member in ["task_id", "trial"] { metadata[member] = value[member] }
    self.metadata = metadata
    reward = value["reward"]
    bytes = line.bytes.count
    steps = Self.steps(of: messages, in: id)
  }

  private static func word(_ value: Value) -> String? {
    value.stringValue ?? value.integerValue.map(String.init)
  }

  /// Takes a conversation apart.
  private static func steps(of messages: [Value], in run: String) -> [RecordedStep] {
    var open: [(id: String, call: RecordedCall)] = []
    return messages.enumerated().map { index, message in
      var calls: [RecordedCall] = []
      for (place, made) in (message["tool_calls"]?.arrayValue ?? []).enumerated() {
        let call = call(made, task: "\(run):\(padded(index + 1, 6))-\(padded(place + 1, 2))")
        calls.append(call)
        open.append((made["id"]?.stringValue ?? "", call))
      }
      var answer: RecordedAnswer?
      if let id = message["tool_call_id"]?.stringValue,
        let place = open.firstIndex(where: { $0.id == id })
      {
        answer = RecordedAnswer(
          call: open.remove(at: place).call, result: message["content"] ?? .null)
      }
      return RecordedStep(number: index + 1, message: message, calls: calls, answer: answer)
    }
  }

  /// Reads a tool call.
  ///
  /// Models give an identifier twice now and then, so that the task is named after the place of the
  /// call; and they write the arguments as JSON in a text, which stays a text where it is none.
  private static func call(_ made: Value, task: String) -> RecordedCall {
    let arguments = made["function"]?["arguments"] ?? [:]
    let read = arguments.stringValue.flatMap { try? Value(json: Array($0.utf8)) }
    let name = made["function"]?["name"]?.stringValue ?? ""
    return RecordedCall(
      task: task, tool: name.isEmpty ? "unknown" : name, arguments: read ?? arguments)
  }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// What a run becomes in the store.
extension RecordedRun {
  /// The queue of the tool calls.
  static let queue = "replay"

  /// The session that holds its messages.
  var session: String { id }

  /// The task that a tool call is.
  ///
  /// - Parameter call: The call.
  /// - Returns: The task, for who leads it without a worker.
  func draft(of call: RecordedCall) -> TaskDraft {
    var draft = TaskDraft(
      call.tool, parameters: call.arguments, queue: Self.queue, run: id)
    draft.id = call.task
    return draft
  }

  /// What the audit log says of a step: who called which tool, and that it answered.
  ///
  /// What was said to the tool and what it gave are the task's: a record is never changed, and such
  /// data may have to go one day.
  ///
  /// - Parameter step: The step.
  /// - Returns: One entry for each call that is made, and one for the call that is answered.
  func records(of step: RecordedStep) -> [AuditEntry] {
    func entry(_ action: String, _ call: RecordedCall, _ result: String?) -> AuditEntry {
      AuditEntry(
        action: action, subject: "task:\(call.task)", run: id, result: result,
        details: ["tool": .string(call.tool), "message": .integer(Int64(step.number))])
    }
    let calls = step.calls.map { entry("tool.call", $0, nil) }
    return calls + (step.answer.map { [entry("tool.answer", $0.call, "completed")] } ?? [])
  }
}
