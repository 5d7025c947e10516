public import HoldfastCore
package import HoldfastEngine
package import Logging
import NIOConcurrencyHelpers
import Tracing

/// The durable state of agents: one SQLite file, or a PostgreSQL database.
///
/// ```swift
/// let store = try await Store.open("agents.db")
/// let kv = store.kv(.run("42"))
/// try await kv.put("plan", ["step": 1, "goal": "refund"])
/// try await store.transaction { tx in
///   try tx.kv(.run("42")).put("plan", ["step": 2])
///   try tx.runs.begin("43", parent: "42")
/// }
/// ```
///
/// A store is safe to share between tasks, and several stores, in one process or many, may stand on
/// the same file or database. Close it when you are done: ``close()`` finishes what was accepted.
public final class Store: Sendable {
  package let engine: any Engine
  package let context: StoreContext
  package let logger: Logger
  package let isTraced: Bool
  package let tail: ChangeTail
  package let claims: ClaimDesk
  package let tallies = ProviderTallies()

  /// Where the store lives, without a password.
  public let location: String
  private let durability: WriteSettings.Durability
  private let temporaryFolder: String?
  private let upkeep = NIOLockedValueBox<Task<Void, Never>?>(nil)

  package init(
    engine: any Engine, location: String, options: StoreOptions, temporaryFolder: String? = nil,
    sealing: AuditSealing = .plain
  ) {
    self.engine = engine
    self.location = location
    self.durability = options.durability
    self.temporaryFolder = temporaryFolder
    self.logger = options.logger
    self.context = StoreContext(
      limits: options.limits, ids: options.ids, time: options.time, actor: options.actor,
      circuit: options.circuit, sealing: sealing, tasks: options.tasks)
    self.isTraced = !(InstrumentationSystem.tracer is NoOpTracer)
    self.tail = ChangeTail(engine: engine, time: options.time)
    self.claims = ClaimDesk(tasksMax: options.limits.claimTasksMax)
  }

  /// Opens a store, and makes or migrates it where that is needed.
  ///
  /// **Durability.** A migration that ran is durable. **Atomicity.** Each migration is one
  /// transaction, and one opener at a time runs them. **Idempotency.** Opening twice gives two
  /// stores on the same data. **Cancellation.** Not taken notice of. **Cost.** Milliseconds.
  ///
  /// With upkeep, which is the default, the store keeps itself: it lives, with its threads and
  /// files, until ``close()``, also where nobody has it any more.
  ///
  /// - Parameters:
  ///   - location: A path, a `postgres://` URL, or ``StoreLocation/temporary``.
  ///   - options: How to open it.
  /// - Returns: The store.
  /// - Throws: ``StoreError`` with `invalid`, `not_found`, `unavailable`, `unauthenticated`,
  ///   `incompatible` or `corrupt`; the message names what failed, and never a password.
  public static func open(
    _ location: StoreLocation, options: StoreOptions = StoreOptions()
  ) async throws(StoreError) -> Store {
    let store = try await connect(location, options)
    if options.runsUpkeep { store.startUpkeep() }
    return store
  }

  private static func connect(
    _ location: StoreLocation, _ options: StoreOptions
  ) async throws(StoreError) -> Store {
    let engine: any Engine
    var folder: String?
    switch location.kind {
    case .file(let path):
      engine = try await SQLiteEngine.open(
        path: path, options: options.engine, migrations: Migrations.all)
    case .postgres(let url):
      engine = try await PostgresEngine.open(
        url: url, options: options.engine, migrations: Migrations.all)
    case .unreadable: throw StoreLocation.unreadable
    case .temporary:
      let made = try TemporaryFolder.make()
      folder = made
      engine = try await SQLiteEngine.open(
        path: made + "/holdfast.db", options: options.engine, migrations: Migrations.all)
    }
    do throws(StoreError) {
      let sealing = try await AuditKey.open(engine, options.masterKey, options.ids)
      return Store(
        engine: engine, location: location.summary, options: options, temporaryFolder: folder,
        sealing: sealing)
    } catch {
      await engine.close()
      if let folder { TemporaryFolder.remove(folder) }
      throw error
    }
  }

  private func startUpkeep() {
    let upkeep = Upkeep(store: self)
    self.upkeep.withLockedValue { $0 = Task { await upkeep.run() } }
  }

  /// Finishes what was accepted, then lets go of everything; later calls throw `closed`.
  ///
  /// A temporary store's file is removed.
  public func close() async {
    let task = upkeep.withLockedValue { task in
      defer { task = nil }
      return task
    }
    task?.cancel()
    await task?.value
    await storeProviderTallies()
    tail.finish()
    await engine.close()
    if let temporaryFolder { TemporaryFolder.remove(temporaryFolder) }
  }
}

/// The life of transactions.
extension Store {
  private static let transaction = Operation("store.transaction", isWrite: true)
  private static let read = Operation("store.read", isWrite: false)

  /// Runs a body as one serializable transaction: all of it is kept, or nothing.
  ///
  /// ```swift
  /// let left = try await store.transaction { tx in
  ///   let balance = try tx.kv(.global).increment("balance", by: -5)
  ///   try tx.runs.complete("42")
  ///   return balance
  /// }
  /// ```
  ///
  /// **Durability.** When this returns, everything survives the death of process and machine.
  /// **Atomicity.** Everything or nothing, over all primitives; it reads its own writes.
  /// **Idempotency.** None by itself: see ``transaction(idempotencyKey:durability:_:)``.
  /// **Cancellation.** Before the body has begun nothing is done; afterwards it runs to its end.
  /// **Cost.** One commit, which a SQLite store shares with other writes that wait.
  ///
  /// The body may run more than once and must have no other effects; it has a time limit.
  ///
  /// - Parameters:
  ///   - durability: What the commit must survive; what the store was opened with if left out.
  ///   - body: Reads and writes through the transaction.
  /// - Returns: What the body returned in the run that was committed.
  /// - Throws: What the body throws, unchanged; of the store's own ``StoreError`` with
  ///   `unavailable` (nothing was written), `uncertain`, `exhausted`, `too_large`, `closed`.
  public func transaction<Result: Sendable>(
    durability: WriteSettings.Durability? = nil,
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    try await observe(Self.transaction) {
      try await write(WriteSettings(durability: durability), hotRows: [], body)
    }
  }

  /// The same, with a key that makes it safe to repeat: the first answer is given again.
  ///
  /// The key alone says that it is the same request. It commits with the transaction, and a
  /// transaction that failed leaves none.
  ///
  /// - Parameters:
  ///   - idempotencyKey: 1 to 256 bytes.
  ///   - durability: What the commit must survive; what the store was opened with if left out.
  ///   - body: Reads and writes through the transaction.
  /// - Returns: What the body returned the first time.
  /// - Throws: What the body throws, and what ``transaction(durability:_:)`` throws; `conflict`
  ///   when the key was used for something else.
  public func transaction<Result: Codable & Sendable>(
    idempotencyKey: String, durability: WriteSettings.Durability? = nil,
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    let settings = WriteSettings(durability: durability, idempotencyKey: idempotencyKey)
    let request = IdempotentRequest(owner: settings.owner, key: idempotencyKey, request: .null)
    return try await observe(Self.transaction) {
      try await write(request, settings, hotRows: [], body)
    }
  }

  /// Gives several reads one consistent snapshot.
  ///
  /// - Parameter body: Reads through the transaction; a write in it throws `invalid_state`.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws, and of the store's own `unavailable` and `closed`.
  public func read<Result: Sendable>(
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    try await observe(Self.read) { try await readBody(.scan, body) }
  }

  package func readBody<Result: Sendable>(
    _ kind: ReadKind, _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    let context = context
    return try await engine.read(kind) { connection in
      let transaction = Transaction(connection, context, isReadOnly: true)
      defer { transaction.end() }
      return try body(transaction)
    }
  }

  package func writeOptions(
    _ settings: WriteSettings, hotRows: [Int64] = [], decidesFirst: Bool = false
  ) -> WriteOptions {
    let isRelaxed = settings.durability ?? durability == .relaxed
    return WriteOptions(
      durability: isRelaxed ? .relaxed : .durable, hotRows: hotRows, decidesFirst: decidesFirst)
  }

  package func write<Result: Sendable>(
    _ settings: WriteSettings, hotRows: [Int64], decidesFirst: Bool = false,
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    let context = context
    let owner = settings.owner
    let options = writeOptions(settings, hotRows: hotRows, decidesFirst: decidesFirst)
    return try await engine.write(options) { connection in
      try Transaction(connection, context, isReadOnly: false, owner: owner).run(body)
    }
  }

  package func write<Result: Codable & Sendable>(
    _ request: IdempotentRequest, _ settings: WriteSettings, hotRows: [Int64],
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    try request.check(context.limits)
    return try await write(settings, hotRows: hotRows + [request.hotRow]) { transaction in
      try request.answer(in: transaction, body)
    }
  }
}
