import Foundation
import HoldfastTesting
import NIOConcurrencyHelpers

/// A running program of this package, as a shell would start it.
///
/// It is killed when nobody holds it any more, so that none outlives its test.
final class Tool: Sendable {
  /// The programs that the tests start.
  enum Program: String {
    case holdfast
    case replay = "replay-agent-runs"
    /// A shell that finds them, for what only a shell can say.
    case shell = "sh"

    /// Where it lies.
    fileprivate var path: String {
      self == .shell ? "/bin/sh" : Tool.folder + "/" + rawValue
    }
  }

  /// How a program ended, and all that it wrote.
  struct Outcome: Sendable {
    /// What it wrote to standard output.
    let output: String
    /// What it wrote to standard error; on a terminal both are in `output`.
    let errors: String
    /// Its exit code; `nil` where a signal ended it.
    let code: Int32?
    /// The signal that ended it.
    let signal: Int32?

    /// The lines of its output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// What a program's streams are.
  enum Streams {
    /// Pipes, as in a script.
    case pipes
    /// A terminal of so many columns.
    case terminal(columns: UInt16)
  }

  private struct State {
    var status: Int32?
    var waiting: [CheckedContinuation<Int32, Never>] = []
  }

  private let pid: pid_t
  private let input: Int32
  private let output: Reader
  private let errors: Reader?
  private let state = NIOLockedValueBox(State())

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - program: Which one.
  ///   - arguments: Its arguments.
  ///   - environment: Its environment, besides where to find things.
  ///   - folder: The folder that it starts in.
  ///   - streams: What its streams are.
  /// - Throws: ``CannotStart``.
  init(
    _ program: Program, _ arguments: [String], environment: [String: String] = [:],
    folder: String = "/tmp", streams: Streams = .pipes
  ) throws {
    var variables = [
      "PATH": "/usr/bin:/bin:" + Self.folder, "SWIFT_BACKTRACE": "enable=no", "TERM": "xterm",
    ]
    variables.merge(environment) { _, new in new }
    // env becomes the program, once it has changed the folder.
    let words = ["/usr/bin/env", "-C", folder, program.path] + arguments
    switch streams {
    case .pipes:
      let (inner, input) = try Self.pipe()
      let (output, outer) = try Self.pipe()
      let (errors, outerErrors) = try Self.pipe()
      defer { for file in [inner, outer, outerErrors] { close(file) } }
      pid = try Self.spawn(words, variables, [inner, outer, outerErrors])
      self.input = input
      self.output = Reader(output)
      self.errors = Reader(errors)
    case .terminal(let columns):
      let (own, programs) = try Self.terminal(columns)
      defer { close(programs) }
      pid = try Self.spawn(words, variables, [programs, programs, programs])
      input = dup(own)
      output = Reader(own)
      errors = nil
    }
    let (pid, state) = (pid, state)
    Thread {
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
      let waiting = state.withLockedValue { state in
        state.status = status
        defer { state.waiting = [] }
        return state.waiting
      }
      for continuation in waiting { continuation.resume(returning: status) }
    }.start()
  }

  deinit {
    signal(SIGKILL)
    close(input)
  }

  /// How many bytes of memory it has, and had at most since ``forgetPeak()``.
  var memory: (now: Int, peak: Int) {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    func kilobytes(_ name: String) -> Int {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
      return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
    return (kilobytes("VmRSS") * 1_024, kilobytes("VmHWM") * 1_024)
  }

  /// Begins to measure the most memory anew.
  func forgetPeak() throws {
    try Data("5".utf8).write(to: URL(filePath: "/proc/\(pid)/clear_refs"))
  }

  /// Lets a few programs run at once.
  ///
  /// Of all tests' together the machine would starve, and the store's time limits would be met by
  /// no fault of anybody's. Who waits for a program to end holds a turn; servers and watchers,
  /// which others wait for, need none.
  private static let turns = Slots(4)

  /// Runs a program to its end.
  static func run(
    _ program: Program = .holdfast, _ arguments: [String], input: String? = nil,
    environment: [String: String] = [:], folder: String = "/tmp", streams: Streams = .pipes
  ) async throws -> Outcome {
    await turns.take()
    defer { turns.give() }
    let tool = try Tool(
      program, arguments, environment: environment, folder: folder, streams: streams)
    if let input { tool.type(input) }
    if case .pipes = streams { tool.endInput() }
    return await tool.finish()
  }

  /// Writes to its standard input.
  func type(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Ends its standard input.
  func endInput() { shutdown(input, Int32(SHUT_WR)) }

  /// Sends it a signal.
  func signal(_ number: Int32) {
    state.withLockedValue { state in
      // Once it was waited for, its number may be another's.
      if state.status == nil { kill(pid, number) }
    }
  }

  /// Waits until its standard output holds a text.
  ///
  /// - Returns: Whether it does; false where it ended before.
  func writes(_ text: String) async -> Bool { await output.holds(text) }

  /// Waits until its standard error holds a text.
  ///
  /// - Returns: Whether it does; false where it ended before.
  func says(_ text: String) async -> Bool { await (errors ?? output).holds(text) }

  /// What it said so far.
  var said: String { (errors ?? output).text }

  /// Waits for its end.
  func finish() async -> Outcome {
    let status = await withCheckedContinuation { continuation in
      let known: Int32? = state.withLockedValue { state in
        if state.status == nil { state.waiting.append(continuation) }
        return state.status
      }
      if let known { continuation.resume(returning: known) }
    }
    let output = await output.whole()
    let errors = await errors?.whole() ?? ""
    let signal = status & 0x7F
    return Outcome(
      output: output, errors: errors, code: signal == 0 ? status >> 8 & 0xFF : nil,
      signal: signal == 0 ? nil : signal)
  }
}

// MARK: Starting

extension Tool {
  struct CannotStart: Error {
    let what: String
  }

  /// Where the programs lie: beside the tests.
  private static let folder: String = {
    let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return own.deletingLastPathComponent().path()
  }()

  /// Two ends that no child inherits by itself; a socket, so that a write to a dead child is no
  /// signal.
  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw CannotStart(what: "socketpair") }
    return (ends[0], ends[1])
  }

  private static func terminal(_ columns: UInt16) throws -> (own: Int32, programs: Int32) {
    // What posix_openpt and its sisters do, which are hidden behind a feature macro on Linux.
    let (lock, number) = (UInt(0x4004_5431), UInt(0x8004_5430))
    let own = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var zero: Int32 = 0
    var place: Int32 = 0
    guard own >= 0, ioctl(own, lock, &zero) == 0, ioctl(own, number, &place) == 0 else {
      throw CannotStart(what: "terminal")
    }
    let programs = open("/dev/pts/\(place)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard programs >= 0 else { throw CannotStart(what: "terminal") }
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(own, UInt(TIOCSWINSZ), &size)
    return (own, programs)
  }

  private static func spawn(
    _ words: [String], _ environment: [String: String], _ streams: [Int32]
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, stream) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, stream, Int32(number))
    }
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child = pid_t()
    guard posix_spawn(&child, words[0], &actions, nil, &arguments, &variables) == 0 else {
      throw CannotStart(what: words[0])
    }
    return child
  }
}

/// What a program writes to one of its streams, gathered by a thread.
private final class Reader: Sendable {
  private struct State {
    var text: [UInt8] = []
    var isEnded = false
    var waiting: [(text: String?, continuation: CheckedContinuation<Bool, Never>)] = []
  }

  private let state = NIOLockedValueBox(State())

  init(_ file: Int32) {
    let state = state
    Thread {
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = read(file, &piece, piece.count)
        if count < 0, errno == EINTR { continue }
        // A terminal whose other end is closed gives an error.
        guard count > 0 else { break }
        Self.wake(state) { $0.text += piece[..<count] }
      }
      close(file)
      Self.wake(state) { $0.isEnded = true }
    }.start()
  }

  var text: String { state.withLockedValue { String(decoding: $0.text, as: UTF8.self) } }

  /// Waits until a text is there; false where the stream ended without.
  func holds(_ text: String) async -> Bool { await wait(text) }

  /// Waits for the end, and gives everything.
  func whole() async -> String {
    _ = await wait(nil)
    return text
  }

  private func wait(_ text: String?) async -> Bool {
    await withCheckedContinuation { continuation in
      let answer: Bool? = state.withLockedValue { state in
        if let answer = Self.answer(text, state) { return answer }
        state.waiting.append((text, continuation))
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  private static func answer(_ text: String?, _ state: State) -> Bool? {
    if let text, String(decoding: state.text, as: UTF8.self).contains(text) { return true }
    return state.isEnded ? text == nil : nil
  }

  private static func wake(_ box: NIOLockedValueBox<State>, _ change: (inout State) -> Void) {
    let ready = box.withLockedValue { state in
      change(&state)
      var ready: [(CheckedContinuation<Bool, Never>, Bool)] = []
      let waiting = state.waiting
      state.waiting = []
      for waiter in waiting {
        if let answer = answer(waiter.text, state) {
          ready.append((waiter.continuation, answer))
        } else {
          state.waiting.append(waiter)
        }
      }
      return ready
    }
    for (continuation, answer) in ready { continuation.resume(returning: answer) }
  }
}
