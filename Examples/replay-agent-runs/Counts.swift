/// How much of everything there is, in the file or in the store.
struct Counts: Sendable {
  /// Runs, whole.
  var runs = 0
  /// Runs with a reward.
  var rewards = 0
  /// Messages of all runs.
  var messages = 0
  /// Tool calls that were answered.
  var completed = 0
  /// Tool calls that never were.
  var running = 0
  /// Audit records of tool calls.
  var records = 0

  /// Nothing.
  init() {}

  /// What there is of a run in the file.
  ///
  /// - Parameter run: The run.
  init(of run: RecordedRun) {
    runs = 1
    rewards = run.reward == nil ? 0 : 1
    messages = run.steps.count
    completed = run.steps.count { $0.answer != nil }
    running = run.steps.reduce(0) { $0 + $1.calls.count } - completed
    records = run.steps.reduce(0) { $0 + run.records(of: $1).count }
  }

  /// Adds what there is of one more run.
  ///
  /// - Parameters:
  ///   - sum: The sum so far.
  ///   - other: What is added.
  static func += (sum: inout Counts, other: Counts) {
    sum.runs += other.runs
    sum.rewards += other.rewards
    sum.messages += other.messages
    sum.completed += other.completed
    sum.running += other.running
    sum.records += other.records
  }

  /// The numbers of the file beside those of the store.
  ///
  /// - Parameters:
  ///   - file: What the file holds.
  ///   - store: What was read from the store.
  /// - Returns: A table, with its line ends.
  static func table(file: Counts, store: Counts) -> String {
    let lines = [
      ("runs, completed", file.runs, store.runs),
      ("rewards", file.rewards, store.rewards),
      ("messages", file.messages, store.messages),
      ("tool calls", file.completed + file.running, store.completed + store.running),
      ("  completed", file.completed, store.completed),
      ("  left running", file.running, store.running),
      ("audit records", file.records, store.records),
    ]
    let head = "\(filled("", 17))\(filled("file", -8))\(filled("store", -8))\n"
    return lines.reduce(head) { text, line in
      text + filled(line.0, 17) + filled("\(line.1)", -8) + filled("\(line.2)", -8) + "\n"
    }
  }

  /// A text in a column: on its left, or on its right for a negative width.
  private static func filled(_ text: String, _ width: Int) -> String {
    let space = String(repeating: " ", count: max(0, abs(width) - text.count))
    return width < 0 ? space + text : text + space
  }
}
