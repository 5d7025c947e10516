import Holdfast

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Counts what was stored, and shows it: a bar on a terminal, a line each tenth elsewhere.
actor Progress {
  private let bytesTotal: Int
  private let dieAfter: Int?
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = SystemTimeSource().monotonicTime()

  private var bytesDone = 0
  private var runs = 0
  private var runsFound = 0
  private var messages = 0
  private var messagesFound = 0
  private var toolCalls = 0
  private var tenthShown = 0
  private var shownAt = Duration.zero

  /// Begins to count.
  ///
  /// - Parameters:
  ///   - bytesTotal: How many bytes of the file there are to do.
  ///   - dieAfter: After how many steps the process kills itself, to show that this does no harm.
  init(bytesTotal: Int, dieAfter: Int?) {
    self.bytesTotal = bytesTotal
    self.dieAfter = dieAfter
  }

  /// A run was there already, whole.
  func found(_ run: RecordedRun) {
    runsFound += 1
    messagesFound += run.steps.count
    toolCalls += run.steps.reduce(0) { $0 + $1.calls.count }
    finish(run)
  }

  /// A run begins, or goes on behind what was there already.
  func resumed(_ run: RecordedRun, at position: Int) {
    messagesFound += position
    toolCalls += run.steps.prefix(position).reduce(0) { $0 + $1.calls.count }
  }

  /// A step was stored.
  func stored(_ step: RecordedStep) {
    messages += 1
    toolCalls += step.calls.count
    if messages == dieAfter { kill(getpid(), SIGKILL) }
    guard isTerminal else { return }
    let now = SystemTimeSource().monotonicTime()
    guard now - shownAt > .milliseconds(50) else { return }
    shownAt = now
    draw()
  }

  /// A run was stored, to its end.
  func finished(_ run: RecordedRun) {
    runs += 1
    finish(run)
  }

  /// Everything was stored.
  ///
  /// - Returns: What, and how fast.
  func finish() -> String {
    if isTerminal {
      draw()
      Console.write("\n")
    }
    let seconds = seconds
    let rate = seconds > 0 ? Int(Double(messages) / seconds) : 0
    return """
      runs        \(runs + runsFound) (\(runs) completed now, \(runsFound) found)
      messages    \(messages + messagesFound) (\(messages) stored now, \(messagesFound) found)
      tool calls  \(toolCalls)
      time        \(Int(seconds * 1_000)) ms, \(rate) messages/s

      """
  }

  private var seconds: Double {
    Double((SystemTimeSource().monotonicTime() - start).microseconds) / 1_000_000
  }

  private var percent: Int { bytesTotal == 0 ? 100 : bytesDone * 100 / bytesTotal }

  private func finish(_ run: RecordedRun) {
    bytesDone += run.bytes
    guard !isTerminal, percent / 10 > tenthShown else { return }
    tenthShown = percent / 10
    Console.say("\(percent) %: \(runs + runsFound) runs, \(messages + messagesFound) messages")
  }

  private func draw() {
    let width = 30
    let filled = percent * width / 100
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let rate = seconds > 0 ? Int(Double(messages) / seconds) : 0
    Console.write(
      "\r\(bar) \(percent) %  \(runs + runsFound) runs  \(messages + messagesFound) messages"
        + "  \(rate)/s\u{1B}[K")
  }
}

/// The two streams of the program: what was found goes to one, what is said about it to the other.
enum Console {
  /// Prints what was found.
  ///
  /// - Parameter text: The text, with its line ends.
  static func print(_ text: String) { Swift.print(text, terminator: "") }

  /// Says something on standard error.
  ///
  /// - Parameter text: A line, without its end.
  static func say(_ text: String) { write(text + "\n") }

  /// Writes to standard error as it is.
  ///
  /// - Parameter text: The text.
  static func write(_ text: String) {
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes { pointer in
      #if canImport(Glibc)
        _ = Glibc.write(STDERR_FILENO, pointer.baseAddress, pointer.count)
      #elseif canImport(Musl)
        _ = Musl.write(STDERR_FILENO, pointer.baseAddress, pointer.count)
      #else
        _ = Darwin.write(STDERR_FILENO, pointer.baseAddress, pointer.count)
      #endif
    }
  }
}
