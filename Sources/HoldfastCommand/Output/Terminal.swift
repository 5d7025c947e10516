#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where output goes: a terminal for a person, or a pipe or file for a program.
struct Terminal: Sendable {
  /// How wide it is; `nil` where it is no terminal.
  let columns: Int?
  /// Whether it shows colours, and nobody asked for none.
  let hasColour: Bool

  /// What standard output is.
  static let output = Terminal(STDOUT_FILENO)
  /// What standard error is.
  static let errors = Terminal(STDERR_FILENO)

  /// Whether somebody can be asked a question.
  static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

  /// Whether a person looks at it.
  var isTerminal: Bool { columns != nil }

  /// Describes a terminal, or a stream that is none.
  ///
  /// - Parameters:
  ///   - columns: How wide it is; `nil` where it is no terminal.
  ///   - hasColour: Whether it shows colours.
  init(columns: Int?, hasColour: Bool) {
    self.columns = columns
    self.hasColour = hasColour
  }

  private init(_ file: Int32) {
    guard isatty(file) == 1 else {
      self.init(columns: nil, hasColour: false)
      return
    }
    var size = winsize()
    let isKnown = ioctl(file, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let isPlain =
      Environment.variable("NO_COLOR") != nil || Environment.variable("TERM") == "dumb"
    self.init(columns: isKnown ? Int(size.ws_col) : 80, hasColour: !isPlain)
  }

  /// Gives a text a style where there is colour.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - style: The style.
  /// - Returns: The text with the terminal's marks around it, or as it was.
  func styled(_ text: String, _ style: Style) -> String {
    guard hasColour, style != .plain else { return text }
    return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
  }

  /// How a piece of text looks; the raw value is the terminal's parameter.
  enum Style: String, Sendable {
    case plain = "0"
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
  }
}

/// The two streams of the program: data, and what is said about it.
enum Stream {
  /// Writes data to standard output, whole and at once.
  ///
  /// - Parameter text: The text.
  static func data(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

  /// Writes data to standard output, whole and at once.
  ///
  /// - Parameter bytes: The bytes.
  static func data(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Says something on standard error.
  ///
  /// - Parameters:
  ///   - text: One or more lines, without the last line end.
  ///   - endsLine: Whether the line ends there; what is going to be written over does not.
  static func say(_ text: String, endsLine: Bool = true) {
    write(Array((endsLine ? text + "\n" : text).utf8), to: STDERR_FILENO)
  }

  /// Asks something on standard error, and reads the answer.
  ///
  /// - Parameter question: The question.
  /// - Returns: The line that was typed; `nil` at the end of the input.
  static func ask(_ question: String) -> String? {
    write(Array((question + " ").utf8), to: STDERR_FILENO)
    return readLine()
  }

  private static func write(_ bytes: [UInt8], to file: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { pointer in
        #if canImport(Glibc)
          Glibc.write(file, pointer.baseAddress, pointer.count)
        #elseif canImport(Musl)
          Musl.write(file, pointer.baseAddress, pointer.count)
        #else
          Darwin.write(file, pointer.baseAddress, pointer.count)
        #endif
      }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { return failed(file, errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Data that nobody takes ends the program; what is only said about it does not matter so much.
  private static func failed(_ file: Int32, _ number: Int32) {
    guard file == STDOUT_FILENO else { return }
    // The network's library ignores the signal that would have ended the program.
    guard number != EPIPE else { Signals.end(by: SIGPIPE) }
    say("holdfast: Standard output cannot be written to: \(String(cString: strerror(number))).")
    _exit(74)
  }
}
