import Holdfast

/// Mode `claim`: workers that take tasks of the queue `work`, and one that is too late.
///
/// It waits for an order. `begin`: `workers` of them claim up to `limit` tasks at a time and
/// complete them together, until nothing is left; each claim is a line `claimed ID:TOKEN …`, and
/// the end `finished CLAIMS LONGEST`, the longest in microseconds. `hold`: claims one task for a
/// second and says `holding ID TOKEN`. `use`: does with that task all that a worker may, and says
/// `used WHAT OUTCOME` for each: `ok`, or the code of the refusal.
struct Claiming: Sendable {
  let store: Store
  let settings: Settings

  private static let queue = "work"

  private struct Score: Sendable {
    var claims = 0
    var longest: Int64 = 0
  }

  func run(_ orders: AsyncStream<String>) async throws {
    var held: ClaimedTask?
    for await order in orders {
      switch order {
      case "begin": return try await race()
      case "hold": held = try await hold()
      default:
        guard let held else { return }
        return await use(held)
      }
    }
  }

  private func race() async throws {
    let score = try await withThrowingTaskGroup(of: Score.self) { group in
      for number in 0..<settings.number("workers", 10) {
        group.addTask { try await work(number) }
      }
      return try await group.reduce(into: Score()) { sum, score in
        sum.claims += score.claims
        sum.longest = max(sum.longest, score.longest)
      }
    }
    Report.line("finished \(score.claims) \(score.longest)")
  }

  private func work(_ number: Int) async throws -> Score {
    var score = Score()
    let owner = "\(settings.number("child", 0))-\(number)"
    let limit = settings.number("limit", 50)
    while !Input.isOver {
      let start = Report.microseconds
      let claimed = try await store.tasks.claim(
        from: [Self.queue], limit: limit, lease: .seconds(600), owner: owner)
      score.longest = max(score.longest, Report.microseconds - start)
      guard !claimed.isEmpty else { break }
      score.claims += 1
      Report.line("claimed " + claimed.map { "\($0.id):\($0.token)" }.joined(separator: " "))
      try await store.transaction { tx in
        for task in claimed { try tx.tasks.complete(task.id, token: task.token) }
      }
    }
    return score
  }

  private func hold() async throws -> ClaimedTask? {
    let claimed = try await store.tasks.claim(
      from: [Self.queue], lease: .seconds(1), owner: "paused")
    for task in claimed { Report.line("holding \(task.id) \(task.token)") }
    return claimed.first
  }

  private func use(_ task: ClaimedTask) async {
    await tell("heartbeat") { try await task.heartbeat() }
    await tell("step") { try await task.step("charge") { "charged" } }
    await tell("complete") { try await task.complete("late") }
    await tell("fail") { try await task.fail("late") }
  }

  private func tell<Result>(_ what: String, _ use: () async throws -> Result) async {
    do {
      _ = try await use()
      Report.line("used \(what) ok")
    } catch {
      Report.line("used \(what) \((error as? StoreError)?.code.name ?? "other")")
    }
  }
}
