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
  /// The key of the message: numbers in order sort as text.
  let key: String
  /// The message, as it was recorded.
  let message: Value
  /// The tool calls that it makes or answers, by their keys.
  let calls: [(key: String, value: Value)]
  /// How many of them it makes.
  let callsMade: Int
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
    let words = [value["task_id"], value["trial"]].compactMap { $0.flatMap(Self.word) }
    id = ([name] + (words.count == 2 ? words : ["line", "\(line.number)"])).joined(separator: "-")
    var metadata: Object = [:]
    for member in ["task_id", "trial"] { metadata[member] = value[member] }
    self.metadata = metadata
    reward = value["reward"]
    steps = Self.steps(of: messages)
    bytes = line.bytes.count
  }

  private static func word(_ value: Value) -> String? {
    value.stringValue ?? value.integerValue.map(String.init)
  }

  /// Takes a conversation apart.
  ///
  /// A tool call is an entry of its own, written by the message that makes it and once more, with its
  /// result, by the message that answers it.
  private static func steps(of messages: [Value]) -> [RecordedStep] {
    var open: [(id: String, key: String, call: Object)] = []
    return messages.enumerated().map { index, message in
      let key = padded(index + 1, 6)
      var calls: [(key: String, value: Value)] = []
      let made = message["tool_calls"]?.arrayValue ?? []
      for (place, call) in made.enumerated() {
        let id = call["id"]?.stringValue ?? ""
        var entry: Object = ["id": .string(id), "message": .string(key)]
        entry["name"] = call["function"]?["name"]
        entry["arguments"] = call["function"]?["arguments"]
        // Models give an identifier twice now and then, so that it alone is no key.
        let callKey = "\(key)-\(padded(place + 1, 2))"
        calls.append((callKey, .object(entry)))
        open.append((id, callKey, entry))
      }
      if let id = message["tool_call_id"]?.stringValue,
        let place = open.firstIndex(where: { $0.id == id })
      {
        var answered = open.remove(at: place)
        answered.call["result"] = message["content"] ?? .null
        calls.append((answered.key, .object(answered.call)))
      }
      return RecordedStep(key: key, message: message, calls: calls, callsMade: made.count)
    }
  }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// Where a run's data lies.
extension RecordedRun {
  /// Its state: how far it has come.
  var state: Namespace { .run(id) }
  /// The key of the state that says how many messages are stored.
  static let positionKey = "position"

  /// Its messages by number.
  ///
  /// - Returns: The namespace.
  /// - Throws: `invalid` for an identifier that is too long.
  func messages() throws(StoreError) -> Namespace {
    try Namespace(segments: ["run", id, "messages"])
  }

  /// Its tool calls by the number of the message and the place in it.
  ///
  /// - Returns: The namespace.
  /// - Throws: `invalid` for an identifier that is too long.
  func toolCalls() throws(StoreError) -> Namespace {
    try Namespace(segments: ["run", id, "tool-calls"])
  }
}
