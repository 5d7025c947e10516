/// How far long work has come: a bar on a terminal, a plain line a step elsewhere.
///
/// It stands on standard error, so that it never mixes with data.
struct ProgressBar: Sendable {
  private let terminal: Terminal

  /// How many characters the bar has.
  private static let width = 20

  /// Makes a bar.
  ///
  /// - Parameter terminal: Where it is shown.
  init(on terminal: Terminal = .errors) { self.terminal = terminal }

  /// Shows that a step begins.
  ///
  /// - Parameters:
  ///   - number: Which step, from 1.
  ///   - count: How many there are.
  ///   - title: What it does, in a few words.
  func begin(_ number: Int, of count: Int, _ title: String) {
    Stream.say(text(number, of: count, title), endsLine: !terminal.isTerminal)
  }

  /// Takes the bar away from the terminal, so that what comes next stands alone.
  func finish() {
    guard terminal.isTerminal else { return }
    Stream.say("\r\u{1B}[K", endsLine: false)
  }

  /// What is written when a step begins.
  ///
  /// - Parameters:
  ///   - number: Which step, from 1.
  ///   - count: How many there are.
  ///   - title: What it does.
  /// - Returns: The text, which on a terminal writes over the one before.
  func text(_ number: Int, of count: Int, _ title: String) -> String {
    let place = "\(number) of \(count)"
    guard let columns = terminal.columns else { return "\(place): \(title)" }
    let done = Self.width * (number - 1) / max(count, 1)
    let bar =
      String(repeating: "█", count: done) + String(repeating: "░", count: Self.width - done)
    let room = max(columns - Self.width - place.utf8.count - 4, 8)
    return "\r" + terminal.styled(bar, .cyan) + " \(place)  " + Printable.cut(title, to: room)
      + "\u{1B}[K"
  }
}
