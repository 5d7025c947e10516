import Foundation

/// Other programs: load generators, and what tells a version.
enum Program {
  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - words: Its name, looked up on the path, and its arguments.
  ///   - environment: What is added to ours.
  /// - Returns: What it wrote to its output.
  /// - Throws: ``Failure`` with what it wrote to its error output.
  static func run(_ words: [String], environment: [String: String] = [:]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    // A program inherits the signals that its maker's thread blocks, and threads of Swift's pool
    // block the alarm by which pgbench ends.
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        "\(words[0]) ended with \(process.terminationStatus): "
          + String(decoding: complaint, as: UTF8.self))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Runs a program on a thread of its own, so that the tasks it measures have theirs.
  static func runAside(
    _ words: [String], environment: [String: String] = [:]
  ) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try run(words, environment: environment) })
      }
    }
  }

  /// The number that follows a word in a program's output.
  static func number(after word: String, in output: String) throws -> Double {
    guard let place = output.range(of: word) else { throw Failure("no \(word) in: \(output)") }
    let rest = output[place.upperBound...].drop { !$0.isNumber }
    guard let number = Double(rest.prefix { $0.isNumber || $0 == "." }) else {
      throw Failure("no number after \(word) in: \(output)")
    }
    return number
  }
}

/// The folder of the whole package, where its sources lie.
let folderOfPackage = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path
