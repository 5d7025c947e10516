import CSQLite
import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite(.timeLimit(.minutes(5))) struct SQLitePathTests {
  private func error(
    opening path: String, _ change: (inout EngineOptions) -> Void = { _ in }
  ) async -> StoreError? {
    var options = EngineOptions()
    options.busyWaitMax = .milliseconds(50)
    change(&options)
    do throws(StoreError) {
      let engine = try await SQLiteEngine.open(
        path: path, options: options, migrations: SQLiteFixture.migrations)
      await engine.close()
      return nil
    } catch {
      return error
    }
  }

  /// Goal: a path that cannot be a store's is refused with the code that says what to do.
  @Test func `a bad path is refused with its code`() async throws {
    let fixture = try SQLiteFixture()
    let folder = fixture.folder
    #expect(await error(opening: "")?.code == .invalid)
    #expect(await error(opening: "a\0b")?.code == .invalid)
    #expect(await error(opening: folder)?.code == .invalid)
    #expect(await error(opening: "/dev/null")?.code == .invalid)
    #expect(await error(opening: "\(folder)/new/")?.code == .notFound)
    #expect(
      await error(opening: "\(folder)/\(String(repeating: "x", count: 300))")?.code == .invalid)
    let missing = await error(opening: "\(folder)/missing/store.db")
    #expect(missing?.code == .notFound)
    #expect(missing?.message.contains("\(folder)/missing") == true)
    #expect(await error(opening: fixture.path) { $0.createsMissing = false }?.code == .notFound)
    #expect(!fixture.exists("store.db"))
    #expect(!fixture.exists("store.db-holdfast"))
    #expect(symlink("nowhere", "\(folder)/link") == 0)
    #expect(await error(opening: "\(folder)/link")?.code == .notFound)
    try fixture.write([1], to: "file")
    #expect(await error(opening: "\(folder)/file/store.db")?.code == .invalid)
  }

  /// Goal: what is not a Holdfast store is refused and stays as it is.
  ///
  /// Method: a text, a file cut short, another program's database, a truncated store.
  @Test func `a file that is no store is refused and kept`() async throws {
    let fixture = try SQLiteFixture()
    let text = Array(String(repeating: "not a database ", count: 100).utf8)
    try fixture.write(text)
    #expect(await error(opening: fixture.path)?.code == .corrupt)
    #expect(try fixture.bytes(of: "store.db") == text)

    try fixture.foreign("CREATE TABLE theirs (a INTEGER)", on: "other.db")
    let theirs = try fixture.bytes(of: "other.db")
    #expect(await error(opening: "\(fixture.folder)/other.db")?.code == .incompatible)
    #expect(try fixture.bytes(of: "other.db") == theirs)

    let whole = try SQLiteFixture()
    try await whole.with { try await $0.put("k", 1) }
    let bytes = try whole.bytes(of: "store.db")
    for length in [50, 2_000, 4_096, bytes.count / 2] {
      try fixture.write(Array(bytes.prefix(length)), to: "cut.db")
      #expect(await error(opening: "\(fixture.folder)/cut.db")?.code == .corrupt, "\(length)")
    }
  }

  /// Goal: who only looks leaves nothing behind.
  ///
  /// Method: an empty file, a text, another program's database with a log, and a missing folder,
  /// where no store is to be made; then a store whose lock file is gone.
  @Test func `looking leaves nothing behind`() async throws {
    let fixture = try SQLiteFixture()
    try fixture.write([], to: "empty.db")
    try fixture.write(Array("not a database".utf8), to: "text.db")
    try fixture.foreign("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER)", on: "other.db")
    for (name, code) in [
      ("empty.db", StoreError.Code.notFound), ("text.db", .corrupt), ("other.db", .incompatible),
      ("none/none.db", .notFound),
    ] {
      let before = try fixture.names()
      let found = await error(opening: "\(fixture.folder)/\(name)") { $0.createsMissing = false }
      #expect(found?.code == code, "\(name)")
      #expect(try fixture.names() == before, "\(name)")
    }
    #expect(try fixture.bytes(of: "empty.db").isEmpty)
    try await fixture.with { try await $0.put("k", 1) }
    unlink(fixture.path + "-holdfast")
    #expect(await error(opening: fixture.path) { $0.createsMissing = false } == nil)
    try await fixture.with { try await $0.expect("k", is: 1) }
    // A lock file that a creation left behind makes no store of an empty file.
    try fixture.write([], to: "empty.db-holdfast")
    let empty = await error(opening: "\(fixture.folder)/empty.db") { $0.createsMissing = false }
    #expect(empty?.code == .notFound)
    #expect(try fixture.bytes(of: "empty.db").isEmpty)
  }

  /// Goal: an empty file becomes a store; a new one is for its owner alone.
  @Test func `an empty file becomes a store`() async throws {
    let fixture = try SQLiteFixture()
    try fixture.write([])
    #expect(await error(opening: fixture.path) == nil)
    #expect(await error(opening: "\(fixture.folder)/new.db") == nil)
    for name in ["new.db", "new.db-wal", "new.db-holdfast"] {
      var about = stat()
      #expect(stat("\(fixture.folder)/\(name)", &about) == 0)
      #expect(about.st_mode & 0o777 == 0o600, "\(name)")
    }
  }

  /// Goal: a file that may not be read or written is refused with what to do.
  ///
  /// Method: the rights of a thread are lowered to another user's, because a test may run as root.
  @Test func `missing rights are told`() async throws {
    let fixture = try SQLiteFixture()
    chmod(fixture.folder, 0o755)
    try fixture.write([], to: "secret.db")
    try fixture.write([], to: "readonly.db")
    chmod("\(fixture.folder)/readonly.db", 0o444)
    let found = Monitor<[String: StoreError]?>(nil)
    let thread = try WorkerThread(name: "test") {
      if getuid() == 0 { lowerRights() }
      var errors: [String: StoreError] = [:]
      for name in ["secret.db", "readonly.db", "new.db"] {
        do throws(StoreError) {
          _ = try SQLitePath("\(fixture.folder)/\(name)", createsMissing: true)
        } catch {
          errors[name] = error
        }
      }
      found.change { [errors] in $0 = errors }
    }
    thread.join()
    let errors = try #require(found.withLock { $0 })
    if getuid() == 0 {
      #expect(errors["secret.db"]?.code == .unavailable)
      #expect(errors["new.db"]?.code == .unavailable)
    }
    #expect(errors["readonly.db"]?.code == .unavailable)
    #expect(errors["readonly.db"]?.hint.contains("write") == true)
  }

  /// Goal: one file has one lock file, by whichever way it is reached.
  @Test func `a link leads to the same store`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { engine in
      try await engine.put("k", 1)
      #expect(symlink("store.db", "\(fixture.folder)/link.db") == 0)
      let path = try SQLitePath("\(fixture.folder)/link.db", createsMissing: false)
      #expect(path.path == fixture.path)
    }
  }

  /// Goal: a network file system is known by its number, a local one is not taken for one.
  @Test func `network file systems are known`() {
    #expect(SQLitePath.networkFileSystem(kind: 0x6969) == "NFS")
    #expect(SQLitePath.networkFileSystem(kind: 0xFF53_4D42) == "CIFS")
    #expect(SQLitePath.networkFileSystem(kind: 0x0102_1997) == "9P")
    for local in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630] as [Int64] {
      #expect(SQLitePath.networkFileSystem(kind: local) == nil)
    }
  }
}

/// Gives this thread another user's rights to files, for good.
private func lowerRights() {
  // Swift does not see this function of Linux's, which is no standard one.
  typealias SetFileUser = @convention(c) (UInt32) -> Int32
  guard let found = dlsym(nil, "setfsuid") else { return }
  _ = unsafeBitCast(found, to: SetFileUser.self)(65_534)
}

@Suite(.timeLimit(.minutes(5))) struct SQLiteErrorTests {
  /// Goal: each of SQLite's result codes becomes the decision that fits.
  @Test(arguments: [
    (SQLITE_FULL, 0, "exhausted"), (SQLITE_NOMEM, 0, "exhausted"),
    (SQLITE_IOERR, 0, "unavailable"), (SQLITE_IOERR | 3 << 8, EIO, "unavailable"),
    (SQLITE_IOERR | 3 << 8, ENOSPC, "exhausted"), (SQLITE_IOERR | 3 << 8, EDQUOT, "exhausted"),
    (SQLITE_IOERR | 12 << 8, 0, "exhausted"), (SQLITE_IOERR | 33 << 8, 0, "corrupt"),
    (SQLITE_IOERR | 33 << 8, EIO, "unavailable"), (SQLITE_IOERR | 33 << 8, ENXIO, "corrupt"),
    (SQLITE_CORRUPT, 0, "corrupt"), (SQLITE_CORRUPT | 3 << 8, 0, "corrupt"),
    (SQLITE_NOTADB, 0, "corrupt"), (SQLITE_READONLY, 0, "unavailable"),
    (SQLITE_READONLY | 4 << 8, 0, "unavailable"), (SQLITE_CANTOPEN, 0, "unavailable"),
    (SQLITE_CANTOPEN | 2 << 8, 0, "unavailable"), (SQLITE_PERM, 0, "unavailable"),
    (SQLITE_BUSY, 0, "unavailable"), (SQLITE_BUSY | 2 << 8, 0, "unavailable"),
    (SQLITE_LOCKED, 0, "unavailable"), (SQLITE_PROTOCOL, 0, "unavailable"),
    (SQLITE_INTERRUPT, 0, "unavailable"), (SQLITE_ABORT, 0, "unavailable"),
    (SQLITE_TOOBIG, 0, "too_large"), (SQLITE_NOLFS, 0, "incompatible"),
    (SQLITE_ERROR, 0, "internal"), (SQLITE_CONSTRAINT, 0, "internal"),
    (SQLITE_CONSTRAINT | 8 << 8, 0, "internal"), (SQLITE_MISUSE, 0, "internal"),
    (SQLITE_SCHEMA, 0, "internal"), (SQLITE_MISMATCH, 0, "internal"),
    (SQLITE_RANGE, 0, "internal"), (SQLITE_AUTH, 0, "internal"),
    (SQLITE_NOTFOUND, 0, "internal"), (SQLITE_INTERNAL, 0, "internal"),
  ])
  func `a result code becomes a decision`(code: Int32, system: Int32, expected: String) {
    let error = SQLiteFailure(code: code, systemCode: system, text: "words").storeError
    #expect(error.code.name == expected)
    #expect(error.details["sqlite"] == .integer(Int64(code)))
    #expect(!error.description.contains("words"))
    #expect(!error.hint.isEmpty)
  }

  /// Goal: what is bound to a statement never stands in an error.
  @Test func `an error carries no value`() async throws {
    try await SQLiteFixture().with { engine in
      let statement = Statement("INSERT INTO changes (revision, kind) VALUES ($1, $2)")
      do throws(StoreError) {
        _ = try await engine.write(
          WriteOptions(), [Step(statement, [.text("hush"), .text("secret")])])
        Issue.record("a text was taken for a number")
      } catch {
        #expect(error.code == .internal)
        for text in [error.description, "\(String(describing: error.cause))"] {
          #expect(!text.contains("hush") && !text.contains("secret"))
        }
      }
    }
  }

  /// Goal: a statement with too few parameters is refused instead of reading what was bound before.
  @Test func `missing parameters are refused`() async throws {
    try await SQLiteFixture().with { engine in
      await #expect(throws: StoreError.self) {
        _ = try await engine.write(WriteOptions(), [Step(SQL.put, [.text("k")])])
      }
      let count = try await engine.read(Step(SQL.count)).rows
      #expect(count == [[.integer(0)]])
    }
  }

  /// Goal: every kind of value survives, texts of any length, empty ones and NULL included.
  @Test func `values survive a round trip`() async throws {
    try await SQLiteFixture().with { engine in
      let echo = Statement("SELECT $2, $1, $3, $4, $5, $6")
      let values: [Bound] = [
        .null, .integer(.min), .text(""), .text("short ü"),
        .text(String(repeating: "long", count: 10_000)), .blob([0, 1, 255]),
      ]
      let found = try await engine.read(Step(echo, values)).rows.first
      #expect(found == [values[1], values[0], values[2], values[3], values[4], values[5]])
      #expect(
        try await engine.read(Step(Statement("SELECT $1"), [.blob([])])).rows == [[.blob([])]])
    }
  }

  /// Goal: a body may run a statement inside its own loop over the rows of the same statement.
  @Test func `a statement may be used inside its own rows`() async throws {
    try await SQLiteFixture().with { engine in
      for number in 1...3 { try await engine.put("\(number)", Int64(number)) }
      let all = Statement("SELECT name FROM leases ORDER BY name")
      let pairs = try await engine.read(.point) { connection in
        try connection.rows(all) { outer in
          let name = outer.text(0)
          return try connection.rows(all) { name + $0.text(0) }
        }
      }
      #expect(pairs == [["11", "12", "13"], ["21", "22", "23"], ["31", "32", "33"]])
    }
  }
}
