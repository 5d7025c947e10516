import Foundation
import NIOConcurrencyHelpers
import Testing

/// A running `CrashWriter`, whose lines are awaited one by one.
///
/// It is killed when nobody holds it any more, and ends by itself when its input closes, so that
/// none outlives its test.
final class Child: Sendable {
  private struct State {
    let pid: pid_t
    /// The child's input and output.
    let socket: Int32
    /// Set once the child was waited for; from then on its number may be another's, and so may that
    /// of the socket.
    var status: Int32?
    /// Answers that came while another was awaited.
    var answers: [Int: String] = [:]
    var orders = 0
  }

  private let state: NIOLockedValueBox<State>
  private let lines: AsyncStream<String>

  /// Starts a child.
  ///
  /// - Parameters:
  ///   - mode: What it does.
  ///   - location: The store.
  ///   - arguments: `key=value` each.
  ///   - wrapper: Words to put before the program, such as `unshare`.
  ///   - environment: What to add to the environment.
  /// - Throws: ``CannotStart``.
  init(
    _ mode: String, _ location: String, _ arguments: [String] = [], wrapper: [String] = [],
    environment: [String: String] = [:]
  ) throws {
    let (own, childs) = try Self.socketPair()
    defer { close(childs) }
    let words = wrapper + [Self.program, mode, location] + arguments
    var inherited = ProcessInfo.processInfo.environment
    inherited["SWIFT_BACKTRACE"] = "enable=no"
    inherited.merge(environment) { _, new in new }
    let pid = try Self.spawn(words, inherited, inputAndOutput: childs)
    let state = NIOLockedValueBox(State(pid: pid, socket: own))
    self.state = state
    let (lines, continuation) = AsyncStream.makeStream(of: String.self)
    self.lines = lines
    let reader = Thread {
      Self.readLines(of: own, into: continuation)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      state.withLockedValue { state in
        state.status = status
        close(own)
      }
      continuation.finish()
    }
    reader.start()
  }

  deinit { kill() }

  /// Ends the child as `kill -9` does.
  func kill() { signal(SIGKILL) }

  /// Stops the child wherever it is, as a machine that falls asleep does, until ``resume()``.
  func pause() { signal(SIGSTOP) }

  /// Lets a child that was stopped go on.
  func resume() { signal(SIGCONT) }

  private func signal(_ signal: Int32) {
    state.withLockedValue { state in
      guard state.status == nil else { return }
      _ = Foundation.kill(state.pid, signal)
    }
  }

  /// Sends it a line.
  func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    state.withLockedValue { state in
      guard state.status == nil else { return }
      // A child that is dead is told in vain.
      _ = send(state.socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// The next line; `nil` when it has ended.
  func next() async -> String? {
    var iterator = lines.makeAsyncIterator()
    return await iterator.next()
  }

  /// Waits for a line that begins so, and forgets what came before it.
  ///
  /// - Returns: The rest of the line.
  @discardableResult
  func wait(for beginning: String) async throws -> String {
    while let line = await next() {
      if line.hasPrefix("fault") || (line.hasPrefix("failed") && beginning != "failed") {
        Issue.record("a child said: \(line)")
      }
      if line.hasPrefix(beginning) {
        return String(line.dropFirst(beginning.count)).trimmingCharacters(in: .whitespaces)
      }
    }
    throw Ended(awaited: beginning)
  }

  /// All lines that are left, until it has ended.
  func rest() async -> [String] {
    var rest: [String] = []
    while let line = await next() { rest.append(line) }
    return rest
  }

  /// How it ended: the signal that killed it, or `nil` and its status; known after its last line.
  var ending: (signal: Int32?, status: Int32)? {
    state.withLockedValue(\.status).map { status in
      let signal = status & 0x7f
      return signal == 0 ? (nil, status >> 8 & 0xff) : (signal, 0)
    }
  }

  struct Ended: Error {
    let awaited: String
  }
}

// MARK: Orders

extension Child {
  /// Gives an order to a child of mode `orders`, without waiting for the answer.
  ///
  /// - Returns: The order's number.
  func order(_ order: String) -> Int {
    let number = state.withLockedValue { state in
      state.orders += 1
      return state.orders
    }
    tell("\(number) \(order)")
    return number
  }

  /// Waits for an order's answer, such as `ok 5 1234` or `error unavailable …`.
  func answer(to number: Int) async throws -> String {
    if let answer = state.withLockedValue({ $0.answers.removeValue(forKey: number) }) {
      return answer
    }
    while true {
      let line = try await wait(for: "= ")
      let parts = line.split(separator: " ", maxSplits: 1)
      guard let first = parts.first, let given = Int(first), parts.count == 2 else { continue }
      if given == number { return String(parts[1]) }
      state.withLockedValue { $0.answers[given] = String(parts[1]) }
    }
  }

  /// Gives an order and waits for its answer.
  @discardableResult
  func ask(_ order: String) async throws -> Answer {
    Answer(try await answer(to: self.order(order)))
  }
}

/// What an order came to.
struct Answer: Sendable, CustomStringConvertible {
  let description: String
  private let words: [Substring]

  init(_ text: String) {
    description = text
    words = text.split(separator: " ")
  }

  var isOK: Bool { words.first == "ok" }
  /// The code of the error; `nil` when there was none.
  var code: String? { words.first == "error" && words.count > 1 ? String(words[1]) : nil }
  /// What was found.
  var value: String { isOK && words.count > 1 ? String(words[1]) : "" }
  /// When the answer was made, in microseconds of the clock that all processes share.
  var time: Int64 { words.last.flatMap { Int64($0) } ?? 0 }
}

// MARK: Starting

extension Child {
  /// The program, which lies where the tests do.
  private static let program: String = {
    let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appending(path: "CrashWriter").path()
  }()

  private struct CannotStart: Error {
    let what: String
  }

  /// Two ends of a socket that no child inherits by itself.
  private static func socketPair() throws -> (own: Int32, childs: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw CannotStart(what: "socketpair") }
    return (ends[0], ends[1])
  }

  private static func spawn(
    _ words: [String], _ environment: [String: String], inputAndOutput: Int32
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, inputAndOutput, 0)
    posix_spawn_file_actions_adddup2(&actions, inputAndOutput, 1)
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child = pid_t()
    guard posix_spawnp(&child, words[0], &actions, nil, &arguments, &variables) == 0 else {
      throw CannotStart(what: words[0])
    }
    return child
  }

  private static func readLines(
    of file: Int32, into continuation: AsyncStream<String>.Continuation
  ) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var line: [UInt8] = []
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      for byte in buffer[..<count] {
        if byte == UInt8(ascii: "\n") {
          continuation.yield(String(decoding: line, as: UTF8.self))
          line.removeAll(keepingCapacity: true)
        } else {
          line.append(byte)
        }
      }
    }
  }
}
