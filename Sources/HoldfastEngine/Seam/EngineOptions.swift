package import HoldfastCore
package import Logging

/// How an engine is opened: sources, bounds and sizes, each with its default.
package struct EngineOptions: Sendable {
  /// Where time comes from.
  package var time: any TimeSource = SystemTimeSource()
  /// Where identifiers and chance come from.
  package var ids: any IDSource = SystemIDSource()
  /// Where the engine logs.
  package var logger = Logger(label: "holdfast.engine")
  /// Whether a missing file is created.
  package var createsMissing = true
  /// Whether migrations run by themselves when the store is opened; otherwise an older store is
  /// refused as `incompatible`.
  package var migratesByItself = true
  /// Whether a copy of a SQLite file is made before it is migrated.
  package var copiesBeforeMigrating = true
  /// How long a body may run.
  package var bodyTimeMax = Duration.seconds(2)
  /// How many bodies one group of writes holds.
  package var groupBodiesMax = 256
  /// How long one group of writes may take before it is cut.
  package var groupTimeMax = Duration.milliseconds(20)
  /// How long a call waits for others before it gives up as `unavailable`.
  package var busyWaitMax = Duration.seconds(5)
  /// How old a reader's snapshot may become.
  package var snapshotAgeMax = Duration.milliseconds(10)
  /// How many bytes the map of hot entries holds.
  package var hotBytesMax = 16 << 20
  /// How many connections read a SQLite file; `nil` for four more than there are cores.
  package var readersMax: Int?
  /// Above how many bytes of log the writer asks for a RESTART checkpoint.
  package var checkpointBytes = 16 << 20
  /// How many connections to PostgreSQL a process holds.
  package var poolConnectionsMax = 8
  /// For how long a transaction is retried after serialization failures.
  package var retryTimeMax = Duration.seconds(5)
  /// Called at named points, for tests that fail or kill there.
  package var probe: (@Sendable (ProbePoint) throws(StoreError) -> Void)?

  package init() {}
}

/// The points at which a test may step in.
package enum ProbePoint: String, Sendable, CaseIterable {
  /// Before a statement of a body runs; an error is what the database would have said.
  case statement
  /// After the bodies of a transaction ran, before its COMMIT.
  ///
  /// An error stands for the COMMIT's. PostgreSQL's server says for certain that it did not commit,
  /// and the error comes as it is. SQLite's file may hold such a commit after the next opening, so
  /// its writer runs each body once more by itself, and where that fails too says `uncertain`.
  case beforeCommit
  /// After its COMMIT, before anybody is told.
  case afterCommit
  /// Before a checkpoint begins.
  case beforeCheckpoint
  /// After a checkpoint ended.
  case afterCheckpoint
  /// Inside a migration, after its statements and before its COMMIT.
  case migration
}
