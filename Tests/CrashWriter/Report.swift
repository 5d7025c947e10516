import Holdfast
import NIOConcurrencyHelpers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the program says: whole lines, each in one write, so that a kill cuts none in two.
enum Report {
  static func line(_ text: String) {
    var bytes = Array(text.utf8)
    bytes.append(UInt8(ascii: "\n"))
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
      guard count > 0 else { exit(2) }
      rest = rest.dropFirst(count)
    }
  }

  /// The monotonic clock, which is one for all processes of the machine.
  static var microseconds: Int64 {
    let time = SystemTimeSource().monotonicTime().components
    return time.seconds * 1_000_000 + time.attoseconds / 1_000_000_000_000
  }
}

/// What the program is told: one order a line.
///
/// When the input closes the program ends, so that none
/// outlives the test that started it.
enum Input {
  private static let isStopped = NIOLockedValueBox(false)

  /// Whether it was told to stop.
  static var isOver: Bool { isStopped.withLockedValue(\.self) }

  /// Begins to listen.
  ///
  /// - Returns: The orders but for `stop`, which raises ``isOver``, and `go`, which opens the gate.
  static func listen() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    let box = Thread {
      while let line = readLine() {
        switch line {
        case "stop": isStopped.withLockedValue { $0 = true }
        case "go": Probe.gate.open()
        default: continuation.yield(line)
        }
      }
      isStopped.withLockedValue { $0 = true }
      continuation.finish()
      // Whoever still stands at a gate will not be let go any more.
      if Settings(CommandLine.arguments)?.text("stop") != nil { exit(3) }
    }
    box.start()
    return stream
  }
}

/// A thread of its own for what blocks.
final class Thread: Sendable {
  private let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) { self.work = work }

  func start() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Thread>.fromOpaque(context).takeRetainedValue().work() }
        return nil
      }, context)
    pthread_detach(thread)
  }
}
