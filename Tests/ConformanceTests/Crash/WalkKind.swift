import Holdfast
import HoldfastTesting

/// The primitives, each with its walk.
enum WalkKind: String, CaseIterable, Codable, Sendable {
  case keyValue, runs, tasks, approvals, sessions, deadLetters, audit, providers, files

  /// Begins the primitive's walk on an empty store.
  func begin(_ store: Store, _ time: ManualTimeSource, seed: UInt64) async throws -> any Walk {
    switch self {
    case .keyValue: try KeyValueWalk(store, time, seed: seed)
    case .runs: RunWalk(store, time, seed: seed)
    case .tasks: TaskWalk(store, time, seed: seed)
    case .approvals: try await ApprovalWalk(store, time, seed: seed)
    case .sessions: SessionWalk(store, time, seed: seed)
    case .deadLetters: DeadLetterWalk(store, time, seed: seed)
    case .audit: AuditWalk(store, time, seed: seed)
    case .providers: ProviderWalk(store, time, seed: seed)
    case .files: FileWalk(store, time, seed: seed)
    }
  }
}
