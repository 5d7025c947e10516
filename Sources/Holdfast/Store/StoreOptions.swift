public import HoldfastCore
package import HoldfastEngine
public import Logging

/// How a store is opened; every default fits most programs.
public struct StoreOptions: Sendable {
  /// The limits that every call is held to.
  public var limits = Limits()
  /// What a write survives when it does not say otherwise.
  public var durability = WriteSettings.Durability.durable
  /// Whether a missing SQLite file is created.
  public var createsMissing = true
  /// What happens when the store was written by an older version.
  public var migration = MigrationPolicy.automatic
  /// Whether this process sweeps expired and cleared keys; one process at a time does it.
  public var runsUpkeep = true
  /// Who acts, for the audit log, where no access token does: the program's or its user's name.
  public var actor = "library"
  /// When the circuits of providers open, for how long, and what closes them.
  public var circuit = CircuitPolicy()
  /// The key that locks away the store's own keys; `nil` for a store that has none.
  ///
  /// The first opening with a master key makes the key that seals the audit log. From then on the
  /// store opens only with this master key, on every node.
  public var masterKey: MasterKey?
  /// What a task is where nobody says otherwise.
  public var tasks = TaskDefaults()
  /// Where time comes from.
  public var time: any TimeSource = SystemTimeSource()
  /// Where identifiers and chance come from.
  public var ids: any IDSource = SystemIDSource()
  /// Where the store logs: reads at debug, writes at info, faults at error, and never a value.
  public var logger = Logger(label: "holdfast")
  /// How long a transaction's body may run.
  public var bodyTimeMax = Duration.seconds(2)
  /// How long a call waits for other writers or a connection before it gives up as `unavailable`.
  public var busyWaitMax = Duration.seconds(5)
  /// How long a transaction is retried after serialization failures.
  public var retryTimeMax = Duration.seconds(5)
  /// How many bytes of hot entries are kept in memory (SQLite).
  public var hotBytesMax = 16 << 20
  /// How many connections to PostgreSQL the store holds.
  public var poolConnectionsMax = 8
  /// Steps in at named points of the engine, for tests.
  package var probe: (@Sendable (ProbePoint) throws(StoreError) -> Void)?

  /// What happens when the store was written by an older version of Holdfast.
  public enum MigrationPolicy: Sendable {
    /// It is migrated when it is opened, one opener at a time; a SQLite file is copied before.
    case automatic
    /// It is refused as `incompatible`.
    case never
  }

  /// The defaults.
  public init() {}

  /// What the engine is opened with.
  package var engine: EngineOptions {
    var options = EngineOptions()
    options.time = time
    options.ids = ids
    options.logger = logger
    options.createsMissing = createsMissing
    options.migratesByItself = migration == .automatic
    options.bodyTimeMax = bodyTimeMax
    options.busyWaitMax = busyWaitMax
    options.retryTimeMax = retryTimeMax
    options.hotBytesMax = hotBytesMax
    options.poolConnectionsMax = poolConnectionsMax
    options.probe = probe
    return options
  }
}
