import Holdfast
import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a process that will be killed is told: which walk it walks, where, and how far.
struct Life: Codable, Sendable {
  var kind: WalkKind
  var location: String
  /// Decides the operations, and every identifier and all chance of the store.
  var seed: UInt64
  /// How many steps it may take in peace.
  var steps: Int
  /// How many of the engine's points it passes then: 0 ends it between two steps, more of them
  /// before a statement, before a commit, or after one of which nobody was told yet.
  var points: Int

  /// Where chance begins: `HOLDFAST_SEED`, or another place each time.
  ///
  /// A failure names what was taken.
  static let seed: UInt64 =
    getenv("HOLDFAST_SEED").flatMap { UInt64(String(cString: $0)) } ?? .random(in: 1...999_999)

  /// What it says of each step that the store has acknowledged.
  static let acknowledgement = "acknowledged\n"

  /// How the store of the walk is opened, by whoever walks it: two of them get the same answers.
  static func options(_ time: ManualTimeSource, seed: UInt64) -> StoreOptions {
    var options = StoreOptions.oneSession(time: time)
    options.ids = SeededIDSource(seed: seed)
    return options
  }

  /// Lets a process of its own live this life.
  ///
  /// - Returns: How many steps it acknowledged before it was killed.
  func end() async throws -> Int {
    let result = await #expect(
      processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
    ) { [life = self as Life] in
      try await life.live()
    }
    let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
    return output.split(separator: Self.acknowledgement, omittingEmptySubsequences: false).count - 1
  }

  /// Walks until it is killed.
  func live() async throws {
    let left = NIOLockedValueBox<Int?>(nil)
    let time = ManualTimeSource()
    var options = Self.options(time, seed: seed)
    options.probe = { _ in
      let isOver = left.withLockedValue { left in
        guard let points = left else { return false }
        left = points - 1
        return points == 1
      }
      if isOver { Self.die() }
    }
    let store = try await Store.open(StoreLocation(location), options: options)
    var walk = try await kind.begin(store, time, seed: seed)
    for _ in 0..<steps { try await step(&walk) }
    if points == 0 { Self.die() }
    left.withLockedValue { $0 = points }
    // A walk that only reads and waits passes few points.
    for _ in 0..<steps { try await step(&walk) }
    Self.die()
  }

  private func step(_ walk: inout any Walk) async throws {
    _ = try await walk.step()
    let line = Array(Self.acknowledgement.utf8)
    guard write(1, line, line.count) == line.count else { throw OwnError(number: Int(errno)) }
  }

  /// Dies as by `kill -9`: nothing is finished, flushed or said.
  private static func die() -> Never {
    kill(getpid(), SIGKILL)
    while true { pause() }
  }
}
