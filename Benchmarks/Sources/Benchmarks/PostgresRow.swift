import Foundation
import Holdfast

/// Row 6: puts to PostgreSQL from eight tasks, against `pgbench` with the same statement.
///
/// Both sides run it as a serializable transaction of its own, in one round trip, and try again
/// what fails.
enum PostgresRow {
  private static let tasks = 8
  private static let secondsPerRound = 3
  /// Keys are plain numbers here, all that pgbench can make, and all of one length, so that the
  /// order of their texts is that of the numbers.
  static let firstKey = 100_000
  static let keysPerTask = Bench.keyCount / tasks

  static func measure(_ bench: Bench) async throws -> [Row] {
    let server = try PostgresServer()
    let store = try await Store.open(StoreLocation(server.url), options: Bench.options())
    try await fill(store)
    let script = bench.folder + "/put.sql"
    try Data(try PutScript.text().utf8).write(to: URL(fileURLWithPath: script))
    let comparison = try await Comparison.run(
      bench, ours: { try await put(store) },
      theirs: {
        let output = try await server.pgbench(script, clients: tasks, seconds: secondsPerRound)
        return try Program.number(after: "tps =", in: output)
      })
    await store.close()
    return [
      Row(
        number: "6", work: "PostgreSQL: put from 8 tasks, random keys",
        against: "`pgbench`, the same statement, prepared, 8 clients",
        comparison: comparison, target: 0.9,
        notes: [
          "the server has its default settings, `fsync=on`; both sides are serializable and try "
            + "again what fails"
        ])
    ]
  }

  private static func fill(_ store: Store) async throws {
    let kv = store.kv(Bench.namespace)
    for first in stride(from: firstKey, to: firstKey + Bench.keyCount, by: 1_000) {
      try await kv.putMany(
        (first..<first + 1_000).map { Put(String($0), Bench.value) }, with: .relaxed)
    }
  }

  private static func put(_ store: Store) async throws -> Double {
    let kv = store.kv(Bench.namespace)
    let start = ContinuousClock.now
    let end = start + .seconds(secondsPerRound)
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<tasks {
        group.addTask {
          var random = Random(seed: UInt64(task) + 100)
          var count = 0
          while ContinuousClock.now < end {
            let first = firstKey + task * keysPerTask
            let key = Int.random(in: first..<first + keysPerTask, using: &random)
            try await kv.put(String(key), Bench.value)
            count += 1
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    return Double(count) / (ContinuousClock.now - start).seconds
  }
}

/// The private server that `Benchmarks/run` has started.
struct PostgresServer {
  /// The folder of its Unix socket.
  private let folder: String
  private let port: String

  init() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let folder = environment["BENCH_POSTGRES_FOLDER"],
      let port = environment["BENCH_POSTGRES_PORT"]
    else { throw Failure("row 6 needs a PostgreSQL server; run Benchmarks/run") }
    self.folder = folder
    self.port = port
  }

  var url: String { "postgres:///postgres?host=\(folder)&port=\(port)&user=postgres" }

  /// Runs pgbench with the settings that Holdfast's sessions have.
  func pgbench(_ script: String, clients: Int, seconds: Int) async throws -> String {
    let settings = [
      "default_transaction_isolation=serializable", "enable_seqscan=off", "enable_bitmapscan=off",
      "jit=off", "TimeZone=UTC", "statement_timeout=30000", "lock_timeout=5000",
      "idle_in_transaction_session_timeout=30000", "holdfast.doors=4096",
    ]
    return try await Program.runAside(
      [
        "timeout", "--signal=KILL", String(seconds + 20), "pgbench", "--no-vacuum",
        "--protocol=prepared", "--max-tries=100",
        "--client=\(clients)", "--jobs=2",
        "--time=\(seconds)", "--file=\(script)", "--host=\(folder)",
        "--port=\(port)", "--username=postgres", "-Dnamespace=\(Bench.namespace.text)",
        "-Dvalue=\(Bench.json)", "-Dnone=none", "postgres",
      ],
      environment: ["PGOPTIONS": settings.map { "-c \($0)" }.joined(separator: " ")])
  }
}

/// The statements of one put as a script for pgbench, read from the source that Holdfast is built
/// of.
enum PutScript {
  static func text() throws -> String {
    let path = folderOfPackage + "/Sources/Holdfast/KeyValue/KeyValueSQL.swift"
    let source = try String(contentsOfFile: path, encoding: .utf8)
    let put = try statement("put", in: source) + ";"
    return """
      \\set first \(PostgresRow.firstKey) + :client_id * \(PostgresRow.keysPerTask)
      \\set key random(:first, :first + \(PostgresRow.keysPerTask - 1))
      \\set keeps 0
      \(put)

      """
  }

  /// A statement's text, with pgbench's variables for its parameters.
  ///
  /// pgbench cannot send NULL, which is what a plain put sends for a version, a time to live and a
  /// description: it sends a word that the server turns into NULL.
  private static func statement(_ name: String, in source: String) throws -> String {
    let start = try end(of: "static let \(name) = Statement(", in: source, from: source.startIndex)
    let body = try literal(from: try end(of: "postgres:", in: source, from: start), in: source)
    let door = try literal(
      from: try end(of: "func isInside(", in: source, from: source.startIndex), in: source)
    let null = "NULLIF(:none, 'none')"
    let parameters = [
      "$1": ":namespace", "$2": ":key", "$3": null, "$4": ":value", "$5": null, "$6": null,
      "$7": ":keeps", "$8": ":keeps",
    ]
    var text = body.replacingOccurrences(
      of: #"\(isInside("$8"))"#, with: door.replacingOccurrences(of: #"\(door)"#, with: "$8"))
    for (parameter, variable) in parameters {
      text = text.replacingOccurrences(of: parameter, with: variable)
    }
    return text.split(separator: "\n").joined(separator: "\n")
  }

  /// The text between the next pair of three quotation marks.
  private static func literal(from place: String.Index, in source: String) throws -> String {
    let open = try end(of: "\"\"\"", in: source, from: place)
    guard let close = source.range(of: "\"\"\"", range: open..<source.endIndex) else {
      throw Failure("a statement does not end")
    }
    return String(source[open..<close.lowerBound])
  }

  /// Where a word ends.
  private static func end(
    of word: String, in source: String, from place: String.Index
  ) throws -> String.Index {
    guard let found = source.range(of: word, range: place..<source.endIndex) else {
      throw Failure("there is no \(word) in the sources")
    }
    return found.upperBound
  }
}
