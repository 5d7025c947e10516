import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import Holdfast

/// A transaction that ends when the test says so, and who claimed in it.
private final class HeldClaims: Sendable {
  private struct State {
    var batches: [[String]] = []
    var held: CheckedContinuation<Void, Never>?
    var isOpen = false
  }

  private let state = NIOLockedValueBox(State())

  /// The owners of each transaction so far.
  var batches: [[String]] { state.withLockedValue(\.batches) }

  func perform(_ orders: [ClaimOrder]) async -> [[TaskRecord]] {
    state.withLockedValue { $0.batches.append(orders.map(\.owner)) }
    await withCheckedContinuation { continuation in
      let isOpen = state.withLockedValue { state in
        if !state.isOpen { state.held = continuation }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
    return orders.map { _ in [] }
  }

  /// Lets the transaction that is held end, and all later ones.
  func open() {
    let held = state.withLockedValue { state in
      state.isOpen = true
      defer { state.held = nil }
      return state.held
    }
    held?.resume()
  }
}

@Suite(.timeLimit(.minutes(1))) struct ClaimDeskTests {
  private func order(
    _ owner: String, limit: Int = 1, queues: [String] = ["q"], _ store: Store
  ) throws -> ClaimOrder {
    try ClaimOrder(queues, limit: limit, lease: nil, owner: owner, store.context)
  }

  /// Goal: claims that wait for the same queues share one transaction, as far as it goes; other
  /// queues do not wait.
  ///
  /// Method: holds the first transaction until the others wait.
  @Test func `claims that wait are joined`() async throws {
    let store = try await TestEngine.sqlite.open()
    let desk = ClaimDesk(tasksMax: 10)
    let held = HeldClaims()
    let wishes = [("a", 1), ("b", 4), ("c", 6), ("d", 1), ("e", 10), ("f", 1)]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (place, (owner, limit)) in wishes.enumerated() {
        let order = try order(owner, limit: limit, store)
        group.addTask { _ = try await desk.claim(order) { await held.perform($0) } }
        while held.batches.isEmpty || desk.waitingCount < place { await Task.yield() }
      }
      let elsewhere = try order("x", queues: ["other"], store)
      #expect(try await desk.claim(elsewhere) { $0.map { _ in [] } }.isEmpty)
      #expect(held.batches == [["a"]])
      held.open()
      try await group.waitForAll()
    }
    #expect(held.batches == [["a"], ["b", "c"], ["d"], ["e"], ["f"]])
    #expect(desk.waitingCount == 0)
    await store.close()
  }

  /// Goal: names of queues are exact: who claims from one does not get what is in another that
  /// looks the same.
  ///
  /// Method: "é" as one scalar and as two; while a claim of the first is held, one of the second
  /// goes through.
  @Test func `queues that look the same are two`() async throws {
    let store = try await TestEngine.sqlite.open()
    let desk = ClaimDesk(tasksMax: 10)
    let held = HeldClaims()
    let (one, two) = try (
      order("a", queues: ["\u{E9}"], store), order("b", queues: ["e\u{301}"], store)
    )
    let first = Task { try await desk.claim(one) { await held.perform($0) } }
    while held.batches.isEmpty { await Task.yield() }
    #expect(try await desk.claim(two) { $0.map { _ in [] } }.isEmpty)
    held.open()
    #expect(try await first.value.isEmpty)
    #expect(held.batches == [["a"]])
    await store.close()
  }

  /// Goal: who is cancelled while waiting is left out, and is told that nothing was claimed.
  ///
  /// Method: cancels the second of three.
  @Test func `a claim that is cancelled while it waits is left out`() async throws {
    let store = try await TestEngine.sqlite.open()
    let desk = ClaimDesk(tasksMax: 10)
    let held = HeldClaims()
    var claims: [Task<[TaskRecord], any Error>] = []
    for (place, owner) in ["a", "b", "c"].enumerated() {
      let order = try order(owner, store)
      claims.append(Task { try await desk.claim(order) { await held.perform($0) } })
      while held.batches.isEmpty || desk.waitingCount < place { await Task.yield() }
    }
    claims[1].cancel()
    let error = await refusal { try await claims[1].value }
    #expect(error?.code == .unavailable)
    held.open()
    for place in [0, 2] { #expect(try await claims[place].value.isEmpty) }
    #expect(held.batches == [["a"], ["c"]])
    await store.close()
  }

  /// Goal: a failure reaches all who shared the transaction, and the next go on.
  ///
  /// Method: a transaction that throws, then one that does not.
  @Test func `a failure reaches all who shared it`() async throws {
    let store = try await TestEngine.sqlite.open()
    let desk = ClaimDesk(tasksMax: 10)
    let order = try order("a", store)
    await expectRefusal(.unavailable) {
      try await desk.claim(order) { _ throws(StoreError) -> [[TaskRecord]] in
        throw StoreError(.unavailable, "Busy.", hint: "Try again.")
      }
    }
    #expect(try await desk.claim(order) { $0.map { _ in [] } }.isEmpty)
    await store.close()
  }
}
