public import Holdfast
public import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A database to run a test on, as a test's argument.
///
/// ```swift
/// @Test(arguments: Engines.available)
/// func `a counter counts`(on engine: TestEngine) async throws {
///   try await withStore(on: engine) { test in
///     #expect(try await test.store.kv(.global).increment("n") == 1)
///   }
/// }
/// ```
public enum TestEngine: String, Sendable, CaseIterable, Codable {
  /// A SQLite file in a temporary folder.
  case sqlite
  /// A fresh schema of a private PostgreSQL server, which the test run starts by itself.
  case postgres

  /// Both of them.
  public static let all = allCases
}

extension TestEngine: CustomTestStringConvertible {
  /// The database's name.
  public var testDescription: String {
    switch self {
    case .sqlite: "SQLite"
    case .postgres: "PostgreSQL"
    }
  }
}

/// Which databases a test run covers.
public enum Engines {
  /// The databases to give to a test as its arguments: both, whether PostgreSQL is installed or not.
  ///
  /// Where it is missing the tests on it fail and say how to get it: nothing is skipped in silence.
  /// `HOLDFAST_TEST_ENGINES=sqlite` (or `postgres`) restricts a run by hand.
  public static let available: [TestEngine] = {
    guard let names = getenv("HOLDFAST_TEST_ENGINES") else { return TestEngine.all }
    let wanted = String(cString: names).split(separator: ",").map(String.init)
    let engines = wanted.compactMap(TestEngine.init(rawValue:))
    precondition(
      !engines.isEmpty && engines.count == wanted.count,
      "HOLDFAST_TEST_ENGINES names \(wanted), not some of \(TestEngine.all.map(\.rawValue))")
    return engines
  }()
}

extension TestEngine {
  /// Makes a place for a store that nobody else uses.
  ///
  /// - Returns: The place, empty.
  /// - Throws: ``HoldfastCore/StoreError`` with `unavailable` where PostgreSQL is not installed,
  ///   with a hint that says how to get it.
  public func makePlace() async throws(StoreError) -> StorePlace {
    switch self {
    case .sqlite:
      let folder = try ScratchFolder.make()
      return StorePlace(
        engine: self, location: StoreLocation(folder + "/store.db"), folder: folder)
    case .postgres:
      let url = try await PrivatePostgres.shared.freshURL()
      return StorePlace(engine: self, location: StoreLocation(url), folder: nil)
    }
  }

  /// Opens a store that nobody else uses, and whose files go when it is closed;
  /// ``withStore(on:options:sourceLocation:_:)`` also checks it.
  ///
  /// - Parameter options: How to open it.
  /// - Returns: The store.
  /// - Throws: ``HoldfastCore/StoreError`` as of ``makePlace()`` and `Store.open`.
  public func open(_ options: StoreOptions = .testing()) async throws(StoreError) -> Store {
    switch self {
    case .sqlite: try await Store.open(.temporary, options: options)
    case .postgres: try await Store.open(makePlace().location, options: options)
    }
  }
}

/// Where a test's store lives, so that it can be opened again, or by two at once.
public struct StorePlace: Sendable {
  /// On which database.
  public let engine: TestEngine
  /// What to give to `Store.open`.
  public let location: StoreLocation
  /// The private folder of a SQLite file; `nil` on PostgreSQL.
  public let folder: String?

  /// Removes the files; a schema goes with its private server.
  public func remove() {
    if let folder { ScratchFolder.remove(folder) }
  }
}

extension StoreOptions {
  /// Options for tests: no upkeep by itself, no log, and time, ids and chance as wished.
  ///
  /// Bodies, waits and retries have much longer bounds than by default, so that a test does not fail
  /// because the machine has a lot to do.
  ///
  /// - Parameters:
  ///   - time: The clock; the system's if left out.
  ///   - ids: Identifiers and chance; the system's if left out.
  /// - Returns: The options.
  public static func testing(
    time: any TimeSource = SystemTimeSource(), ids: any IDSource = SystemIDSource()
  ) -> StoreOptions {
    var options = StoreOptions()
    options.runsUpkeep = false
    options.logger = Self.silentLogger
    options.time = time
    options.ids = ids
    options.bodyTimeMax = .seconds(60)
    options.busyWaitMax = .seconds(60)
    options.retryTimeMax = .seconds(60)
    return options
  }
}
