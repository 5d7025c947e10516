import CSQLite
import CSchema
import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of its own for one test, with engines on a file in it.
///
/// Goes with the object.
final class SQLiteFixture: Sendable {
  let folder: String
  let path: String

  init() throws {
    folder = try TemporaryFolder.make("holdfast-sqlite")
    path = folder + "/store.db"
  }

  deinit { TemporaryFolder.remove(folder) }

  /// Opens an engine on the file.
  func open(_ change: (inout EngineOptions) -> Void = { _ in }) async throws -> SQLiteEngine {
    var options = EngineOptions()
    change(&options)
    return try await SQLiteEngine.open(path: path, options: options, migrations: Self.migrations)
  }

  /// Opens an engine, runs the body, looks the file through, and closes the engine.
  func with(
    _ change: (inout EngineOptions) -> Void = { _ in },
    _ body: (SQLiteEngine) async throws -> Void
  ) async throws {
    let engine = try await open(change)
    do {
      try await body(engine)
    } catch {
      await engine.close()
      throw error
    }
    let faults = try await engine.verify()
    await engine.close()
    guard faults.isEmpty else { throw StoreError(.corrupt, faults.joined(separator: " ")) }
  }

  /// The schema that the package ships.
  static let migrations: [Migration] = (1...Int(holdfast_migration_count())).map { number in
    Migration(
      number: number, name: String(cString: holdfast_migration_name(Int32(number))),
      sqlite: String(cString: holdfast_migration_sqlite(Int32(number))),
      postgres: String(cString: holdfast_migration_postgres(Int32(number))))
  }

  /// Writes a file into the folder.
  func write(_ bytes: [UInt8], to name: String = "store.db") throws {
    let file = Glibc.open("\(folder)/\(name)", O_RDWR | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { throw StoreError(.unavailable, "The test cannot write a file.") }
    defer { close(file) }
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
      throw StoreError(.unavailable, "The test cannot write a file.")
    }
  }

  /// Reads a file of the folder.
  func bytes(of name: String) throws -> [UInt8] {
    let file = Glibc.open("\(folder)/\(name)", O_RDONLY)
    guard file >= 0 else { throw StoreError(.notFound, "The test finds no \(name).") }
    defer { close(file) }
    var about = stat()
    fstat(file, &about)
    return try [UInt8](unsafeUninitializedCapacity: Int(about.st_size)) { buffer, count in
      count = read(file, buffer.baseAddress, buffer.count)
      guard count == buffer.count else { throw StoreError(.unavailable, "A short read.") }
    }
  }

  func names() throws -> [String] {
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names.sorted()
  }

  /// Whether a file is there.
  func exists(_ name: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }

  /// Runs SQL on the file as another program would.
  func foreign(_ sql: String, on name: String = "store.db") throws {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    sqlite3_open("\(folder)/\(name)", &handle)
    sqlite3_busy_timeout(handle, 5_000)
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else {
      throw StoreError(.internal, "\(code): \(String(cString: sqlite3_errmsg(handle)))")
    }
  }
}

/// Statements that the tests write and read with.
enum SQL {
  /// A counter in the table `leases`, which takes any text and number.
  static let put = Statement(
    """
    INSERT INTO leases (name, owner, expires_at)
    VALUES ($1, 'test', $2)
    ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at
    """)
  static let add = Statement(
    """
    INSERT INTO leases (name, owner, expires_at)
    VALUES ($1, 'test', 1)
    ON CONFLICT (name) DO UPDATE SET expires_at = leases.expires_at + 1
    """)
  static let get = Statement("SELECT expires_at FROM leases WHERE name = $1")
  static let count = Statement("SELECT count(*) FROM leases")
  static let event = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, at)
    VALUES (holdfast_revision(), 'kv', 'test', $1, 'put', holdfast_now())
    RETURNING revision, at
    """)
  static let revisions = Statement("SELECT revision FROM changes ORDER BY position")
  static let fill = Statement("INSERT INTO meta (name, value) VALUES ($1, $2)")
  static let wrong = Statement("INSERT INTO changes (revision) VALUES ('not a number')")
}

extension Engine {
  func put(_ name: String, _ number: Int64) async throws {
    _ = try await write(WriteOptions(), [Step(SQL.put, [.text(name), .integer(number)])])
  }

  func get(_ name: String) async throws -> Int64? {
    try await read(Step(SQL.get, [.text(name)])).rows.first?.first?.integer
  }
}

extension Engine {
  /// Checks what is stored under a name.
  func expect(
    _ name: String, is expected: Int64?, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let found = try await get(name)
    #expect(found == expected, "under \(name)", sourceLocation: sourceLocation)
  }
}

/// An error of a body's own.
struct Refusal: Error, Equatable { let number: Int }

/// A clock that only moves when it is told to.
final class ManualTime: TimeSource {
  private let state = NIOLockedValueBox(
    (wall: Instant(microseconds: 1_000_000), mono: Duration.zero))

  func wallTime() -> Instant { state.withLockedValue { $0.wall } }
  func monotonicTime() -> Duration { state.withLockedValue { $0.mono } }
  var overrulesDatabase: Bool { true }
  func sleep(for duration: Duration) async throws {}

  func advance(_ duration: Duration) {
    state.withLockedValue {
      $0.wall = $0.wall + duration
      $0.mono += duration
    }
  }

  func setWall(_ wall: Instant) { state.withLockedValue { $0.wall = wall } }
}

/// A gate that a body waits at until the test opens it.
final class Gate: Sendable {
  private let monitor = Monitor((opened: false, waiting: 0))

  /// Blocks until the gate is open.
  func wait() {
    monitor.change { $0.waiting += 1 }
    _ = monitor.wait { $0.opened ? () : nil }
  }

  func open() { monitor.change { $0.opened = true } }

  /// Blocks until somebody waits at the gate; for threads of tests only.
  func waitForVisitor() { _ = monitor.wait { $0.waiting > 0 ? () : nil } }

  /// Returns once somebody waits at the gate.
  func visited() async {
    await withCheckedContinuation { continuation in
      do {
        _ = try WorkerThread(name: "test") {
          self.waitForVisitor()
          continuation.resume()
        }
      } catch {
        continuation.resume()
      }
    }
  }
}
