package import HoldfastCore
import NIOConcurrencyHelpers

/// Holdfast's engine on one SQLite file.
///
/// One thread writes, in groups that share a flush; readers keep snapshots open while nobody
/// commits; a map of hot entries stands before them. Several engines, in one process or many, may
/// have one file open: each sees at once what any of them committed.
///
/// Where what is written: the writer in ``SQLiteWriter`` and ``WriteGroup``, the readers in
/// ``SnapshotPool``, turns between processes in ``TurnLock``, checkpoints in ``Checkpointer``.
package final class SQLiteEngine: Engine {
  private enum Life {
    case running
    case closing([CheckedContinuation<Void, Never>])
    case closed
  }

  private let parts: SQLiteParts
  private let life = NIOLockedValueBox(Life.running)

  private init(_ parts: SQLiteParts) { self.parts = parts }

  deinit {
    // An engine that nobody has any more must not keep threads and files for ever.
    guard case .running = life.withLockedValue({ $0 }) else { return }
    let parts = parts
    _ = try? WorkerThread(name: "holdfast-close") { parts.shutDown() }
  }

  /// Opens a SQLite file as a store, creating and migrating it as the options say.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - options: How it is opened.
  ///   - migrations: All migrations, from 1, without gaps.
  /// - Returns: The engine.
  /// - Throws: `invalid` for a path that is no file's, `not_found` for a missing file or folder,
  ///   `incompatible` for a file of another program or version and for a network file system,
  ///   `corrupt` for one that is damaged, `exhausted` or `unavailable` where the system refuses.
  package static func open(
    path: String, options: EngineOptions, migrations: [Migration]
  ) async throws(StoreError) -> SQLiteEngine {
    try await onThread { () throws(StoreError) in
      SQLiteEngine(try SQLiteParts(path: path, options: options, migrations: migrations))
    }
  }

  /// Tells which migrations a file still needs, and changes nothing.
  ///
  /// - Parameters:
  ///   - path: The path of the file; a missing one needs all of them.
  ///   - migrations: All migrations, from 1, without gaps.
  /// - Returns: The missing ones, in order.
  /// - Throws: What ``open(path:options:migrations:)`` throws.
  package static func plannedMigrations(
    path: String, migrations: [Migration]
  ) async throws(StoreError) -> [Migration] {
    try await onThread { () throws(StoreError) in
      let options = EngineOptions()
      let place = try SQLitePath(path, createsMissing: true)
      guard place.exists else { return migrations }
      let opening = SQLiteOpening(
        path: place.path, clock: SQLiteClock(source: options.time), options: options)
      return try SQLiteMigrator.pending(try opening.connect(.looker), migrations)
    }
  }

  package var dialect: Dialect { .sqlite }

  package func close() async {
    await withCheckedContinuation { continuation in
      let isFirst: Bool? = life.withLockedValue { life in
        switch life {
        case .running:
          life = .closing([continuation])
          return true
        case .closing(let others):
          life = .closing(others + [continuation])
          return false
        case .closed: return nil
        }
      }
      switch isFirst {
      case true: shutDown()
      case false: break
      case nil: continuation.resume()
      }
    }
  }

  private func shutDown() {
    let work: @Sendable () -> Void = { [self] in
      parts.shutDown()
      let waiting = life.withLockedValue { life in
        guard case .closing(let waiting) = life else { return [CheckedContinuation<Void, Never>]() }
        life = .closed
        return waiting
      }
      for continuation in waiting { continuation.resume() }
    }
    // Where the system has no thread left, closing where we are is better than not closing.
    do throws(StoreError) { _ = try WorkerThread(name: "holdfast-close", work) } catch { work() }
  }

  /// Runs blocking work on a thread of its own.
  private static func onThread<Answer: Sendable>(
    _ work: @escaping @Sendable () throws(StoreError) -> Answer
  ) async throws(StoreError) -> Answer {
    let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
      do throws(StoreError) {
        _ = try WorkerThread(name: "holdfast-open") {
          continuation.resume(returning: Result(catching: work))
        }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }
}

// MARK: Reading

extension SQLiteEngine {
  package func read<Answer: Sendable>(
    _ kind: ReadKind, _ body: @escaping @Sendable (any Connection) throws -> Answer
  ) async throws -> Answer {
    switch kind {
    case .point: return try onSnapshot(body)
    case .scan:
      return try await parts.scans.run(
        waitingAtMost: parts.options.busyWaitMax, failing: { $0 as any Error }
      ) { [self] () throws(any Error) in try onSnapshot(body) }
    }
  }

  package func read(_ step: Step) async throws(StoreError) -> StepResult {
    try onReader { (reader) throws(StoreError) in try reader.connection.result(of: step) }
  }

  package func readHot<Entry: AnyObject & Sendable>(
    _ key: HotKey, _ step: Step,
    _ make: @Sendable (StepResult) throws(StoreError) -> (entry: Entry, size: Int)?
  ) async throws(StoreError) -> Entry? {
    if case .entry(let kept) = try parts.hot.find(key) {
      guard let kept else { return nil }
      // The exact type first: a dynamic cast would cost more than the rest of a hit.
      if type(of: kept) == Entry.self { return unsafeDowncast(kept, to: Entry.self) }
      if let entry = kept as? Entry { return entry }
    }
    let (made, header) = try onReader { (reader) throws(StoreError) in
      (try make(try reader.connection.result(of: step)), reader.header)
    }
    if let header {
      parts.hot.keep(key, made?.entry, size: made?.size ?? 0, readUnder: header)
    }
    return made?.entry
  }

  /// Runs a body on a snapshot, where it is called.
  private func onSnapshot<Answer>(_ body: (any Connection) throws -> Answer) throws -> Answer {
    try parts.pool.read(
      { (reader) throws(any Error) in
        let session = SQLiteSession(reader.connection, deadline: nil, probe: parts.options.probe)
        defer { session.end() }
        return try body(session)
      }, failing: { $0 })
  }

  /// Runs a long read of the engine's own on one of the threads for them.
  private func onScanThread<Answer: Sendable>(
    _ work: @escaping @Sendable () throws(StoreError) -> Answer
  ) async throws(StoreError) -> Answer {
    try await parts.scans.run(
      waitingAtMost: parts.options.busyWaitMax, failing: { $0 }, work)
  }

  private func onReader<Answer>(
    _ body: (SnapshotReader) throws(StoreError) -> Answer
  ) throws(StoreError) -> Answer {
    try parts.pool.read(
      { (reader) throws(StoreError) in
        if let probe = parts.options.probe { try probe(.statement) }
        return try body(reader)
      }, failing: { $0 })
  }
}

// MARK: Writing

extension SQLiteEngine {
  package func write<Answer: Sendable>(
    _ options: WriteOptions, _ body: @escaping @Sendable (any Connection) throws -> Answer
  ) async throws -> Answer {
    let slot = CancellableCall()
    let arrived = SystemTimeSource().monotonicTime()
    let result: Result<Answer, any Error> = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        parts.queue.add(
          BodyCall(
            isRelaxed: options.durability == .relaxed, decidesFirst: options.decidesFirst,
            arrived: arrived, continuation, body),
          in: slot)
      }
    } onCancel: {
      parts.queue.cancel(slot)
    }
    return try result.get()
  }

  package func write(
    _ options: WriteOptions, _ steps: [Step]
  ) async throws(StoreError) -> [StepResult] {
    guard !Task.isCancelled else { throw .cancelled }
    let arrived = SystemTimeSource().monotonicTime()
    let answer: StepsCall.Answer = await withUnsafeContinuation { continuation in
      parts.queue.add(
        StepsCall(
          steps, isRelaxed: options.durability == .relaxed, arrived: arrived, continuation))
    }
    return try answer.get()
  }

  package func maintain() async throws(StoreError) {
    // A look first, for a store at rest must not be written.
    guard let free = try await read(Step(Self.freePages)).rows.first?.first?.integer, free > 0
    else { return }
    while try await vacuumSlice(pages: Self.vacuumPages) > 0 {}
  }

  /// How many pages one slice gives back: about a millisecond of work.
  private static let vacuumPages = 256

  /// Gives unused pages of the file back to the system, a slice of them.
  ///
  /// - Parameter pages: At most this many.
  /// - Returns: How many were given back.
  /// - Throws: What SQLite says, as a ``StoreError``.
  package func vacuumSlice(pages: Int) async throws(StoreError) -> Int {
    do {
      return try await write(WriteOptions(durability: .relaxed)) { connection in
        let before = try connection.row(Self.freePages) { $0.integer(0) } ?? 0
        try (connection as? SQLiteSession)?.vacuum(pages: pages)
        let after = try connection.row(Self.freePages) { $0.integer(0) } ?? 0
        return Int(before - after)
      }
    } catch {
      throw error as? StoreError
        ?? StoreError(.unavailable, "The vacuum was cut off.", cause: error)
    }
  }

  private static let freePages = Statement("PRAGMA freelist_count")
}

// MARK: The feed

extension SQLiteEngine {
  package func feedEnd() async throws(StoreError) -> FeedCursor {
    try onReader { (reader) throws(StoreError) in try SQLiteFeed.end(reader.connection) }
  }

  package func feed(after cursor: FeedCursor, limit: Int) async throws(StoreError) -> FeedPage {
    guard limit > Self.inlineEventsMax else { return try page(after: cursor, limit: limit) }
    return try await onScanThread { [self] () throws(StoreError) in
      try page(after: cursor, limit: limit)
    }
  }

  /// Up to this many events are read where the feed is asked for.
  private static let inlineEventsMax = 128

  private func page(after cursor: FeedCursor, limit: Int) throws(StoreError) -> FeedPage {
    try onReader { (reader) throws(StoreError) in
      try SQLiteFeed.page(after: cursor, limit: limit, reader.connection)
    }
  }

  package func subscribe(_ callback: @escaping @Sendable () -> Void) -> Subscription {
    parts.watch.subscribe(callback)
  }

  package func unsubscribe(_ subscription: Subscription) { parts.watch.unsubscribe(subscription) }
}

// MARK: State

extension SQLiteEngine {
  package func health() async throws(StoreError) -> EngineHealth {
    try onReader { (reader) throws(StoreError) in try SQLiteHealth.of(parts, reader) }
  }

  package func verify() async throws(StoreError) -> [String] {
    try await onScanThread { [self] () throws(StoreError) in
      try onReader { (reader) throws(StoreError) in try SQLiteHealth.faults(reader.connection) }
    }
  }
}
