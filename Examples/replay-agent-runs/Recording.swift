import Holdfast

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file with one recorded run a line.
struct Recording: Sendable {
  /// How long the file is; of a part of it, how long that part is.
  let bytesTotal: Int
  private let path: String
  private let name: String
  private let limit: Int?

  /// Looks a file through once: whether every line is a run, and none stands twice.
  ///
  /// - Parameters:
  ///   - path: The file's path.
  ///   - limit: At most this many runs; `nil` for all.
  /// - Throws: ``StoreError`` with the number of the line that cannot be read.
  init(path: String, limit: Int?) throws(StoreError) {
    self.path = path
    self.limit = limit
    let file = path.split(separator: "/").last.map(String.init) ?? path
    name = file.split(separator: ".").first.map(String.init) ?? "run"
    var lines = try Lines(path)
    var lineOf: [String: Int] = [:]
    var bytes = 0
    var isMore = true
    while isMore, let line = try lines.next(), lineOf.count < limit ?? .max {
      let run = try RecordedRun(line, name)
      if let other = lineOf.updateValue(line.number, forKey: run.id) {
        throw StoreError(
          .invalid, "The lines \(other) and \(line.number) are the same run.",
          hint: "Give each run another task_id or trial.")
      }
      bytes += line.bytes.count
      isMore = lineOf.count < limit ?? .max
    }
    bytesTotal = bytes
  }

  /// Does something with every run, several at once, never more of them in memory than that.
  ///
  /// - Parameters:
  ///   - atOnce: How many at once.
  ///   - body: What to do with a run.
  /// - Throws: The first error of a body; the others are cancelled.
  func forEach(
    atOnce: Int, _ body: @escaping @Sendable (RecordedRun) async throws -> Void
  ) async throws {
    var lines = try Lines(path)
    try await withThrowingTaskGroup(of: Void.self) { group in
      var begun = 0
      while begun < limit ?? .max, let line = try lines.next() {
        if begun >= atOnce { try await group.next() }
        let run = try RecordedRun(line, name)
        group.addTask { try await body(run) }
        begun += 1
      }
      try await group.waitForAll()
    }
  }
}

/// One line of a file.
struct Line: Sendable {
  /// The number, from 1.
  let number: Int
  /// What stands in it, without its end.
  let bytes: [UInt8]
}

/// The lines of a file, read one after the other; empty ones are left out.
struct Lines: ~Copyable {
  private let file: UnsafeMutablePointer<FILE>
  private let path: String
  private var buffer: UnsafeMutablePointer<CChar>?
  private var capacity = 0
  private var number = 0

  /// Opens a file.
  ///
  /// - Parameter path: Its path.
  /// - Throws: `not_found` where it cannot be opened.
  init(_ path: String) throws(StoreError) {
    guard let file = fopen(path, "re") else {
      throw StoreError(
        .notFound, "The file \(path) cannot be opened: \(String(cString: strerror(errno))).",
        hint: "Check the path.")
    }
    self.file = file
    self.path = path
  }

  deinit {
    free(buffer)
    fclose(file)
  }

  /// The next line.
  ///
  /// - Returns: The line; `nil` at the end of the file.
  /// - Throws: `unavailable` where the file cannot be read on.
  mutating func next() throws(StoreError) -> Line? {
    while true {
      let count = getline(&buffer, &capacity, file)
      guard count >= 0, let buffer else {
        guard ferror(file) == 0 else {
          throw StoreError(.unavailable, "The file \(path) cannot be read on.")
        }
        return nil
      }
      number += 1
      let bytes = UnsafeBufferPointer(start: buffer, count: count).map(UInt8.init(bitPattern:))
      let isBlank = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
      guard isBlank else { return Line(number: number, bytes: bytes) }
    }
  }
}
