import HoldfastCore

/// The reading connections of an engine, and their snapshots.
///
/// Invariants:
/// - A reader is in the list of idle ones or in the hands of one thread.
/// - A read sees everything that any process had committed before it began.
/// - No idle reader holds a snapshot longer than ``EngineOptions/snapshotAgeMax``. A thread sees to
///   it, in rounds of half that time, and only while snapshots are open: one that it has met twice
///   goes.
/// - Whoever takes a reader out gives it back, so that ``close()`` ends.
final class SnapshotPool: Sendable {
  private struct State {
    var idle: [SnapshotReader] = []
    /// How many connections exist or are being opened.
    var count = 0
    var inUse = 0
    var inUseMost = 0
    var snapshots = 0
    /// How many threads wait for a reader.
    var waiting = 0
    /// The rounds of the thread that lets old snapshots go.
    var round = 0
    var sweeperSleeps = false
    var isClosed = false
  }

  private let state = Monitor(State())
  private let readersMax: Int
  private let waitMax: Duration
  private let open: @Sendable () throws(StoreError) -> SnapshotReader
  private let sweeper: WorkerThread

  /// Makes a pool without connections.
  ///
  /// - Parameters:
  ///   - readersMax: How many connections there may be.
  ///   - ageMax: How long an idle snapshot is held.
  ///   - waitMax: How long a read waits for a connection.
  ///   - open: Opens one more.
  /// - Throws: What opening throws.
  init(
    readersMax: Int, ageMax: Duration, waitMax: Duration,
    open: @escaping @Sendable () throws(StoreError) -> SnapshotReader
  ) throws(StoreError) {
    self.readersMax = readersMax
    self.waitMax = waitMax
    self.open = open
    sweeper = try WorkerThread(name: "holdfast-sweep") { [state] in
      Self.sweep(state, every: ageMax / 2)
    }
  }

  /// Lends a reader whose snapshot shows every commit up to now.
  ///
  /// - Parameters:
  ///   - body: Reads.
  ///   - failing: Makes the caller's error of one of the pool's.
  /// - Returns: What the body returned.
  /// - Throws: What the body threw, or an error of the pool's.
  func read<Result, Failure: Error>(
    _ body: (SnapshotReader) throws(Failure) -> Result,
    failing: (StoreError) -> Failure
  ) throws(Failure) -> Result {
    let reader: SnapshotReader
    do throws(StoreError) {
      reader = try take()
    } catch {
      throw failing(error)
    }
    defer { giveBack(reader) }
    reader.connection.beginBody()
    return try body(reader)
  }

  /// How the pool is used: connections, those in use now and at most, and snapshots begun.
  var figures: (connections: Int, inUse: Int, inUseMost: Int, snapshots: Int) {
    state.withLock { ($0.count, $0.inUse, $0.inUseMost, $0.snapshots) }
  }

  /// Lets every idle snapshot go now.
  func letGoIdle() { letGo { _ in true } }

  /// Refuses later reads, waits for those that run, and closes the connections.
  ///
  /// It blocks.
  func close() {
    state.change { $0.isClosed = true }
    sweeper.join()
    let readers: [SnapshotReader]? = state.wait { state in
      guard state.inUse == 0 else { return nil }
      defer { state.idle = [] }
      return state.idle
    }
    for reader in readers ?? [] { reader.close() }
  }
}

// MARK: Lending

extension SnapshotPool {
  private enum Claim {
    case reader(SnapshotReader, isOld: Bool)
    /// There is room for one more.
    case room
    case closed
  }

  /// Takes a reader out and renews its snapshot.
  private func take() throws(StoreError) -> SnapshotReader {
    switch claim() {
    case .reader(let reader, let isOld):
      do throws(StoreError) {
        try reader.renew(isOld: isOld)
      } catch {
        giveBack(reader)
        throw error
      }
      return reader
    case .room:
      do throws(StoreError) {
        let reader = try open()
        try reader.renew(isOld: false)
        return reader
      } catch {
        state.change { state in
          state.count -= 1
          state.inUse -= 1
        }
        throw error
      }
    case .closed: throw StoreError(.closed, "The store is closed.")
    case nil:
      throw StoreError(
        .unavailable, "Every reading connection was in use for too long.",
        hint: "Try again later, or allow more readers.")
    }
  }

  private func claim() -> Claim? {
    var wakesSweeper = false
    // Mostly a reader is idle, and then this is all.
    var claim = state.withLock { state in Self.claim(&state, readersMax, &wakesSweeper) }
    if wakesSweeper { state.change { _ in } }
    guard claim == nil else { return claim }
    state.withLock { $0.waiting += 1 }
    defer { state.withLock { $0.waiting -= 1 } }
    claim = state.wait(atMost: waitMax) { state in
      var ignored = false
      return Self.claim(&state, readersMax, &ignored)
    }
    return claim
  }

  private static func claim(
    _ state: inout State, _ readersMax: Int, _ wakesSweeper: inout Bool
  ) -> Claim? {
    guard !state.isClosed else { return .closed }
    let claim: Claim
    // The one that was used last: its pages are in the cache.
    if let reader = state.idle.popLast() {
      claim = .reader(reader, isOld: state.round - reader.firstRound >= 2)
    } else if state.count < readersMax {
      state.count += 1
      claim = .room
    } else {
      return nil
    }
    state.inUse += 1
    state.inUseMost = max(state.inUseMost, state.inUse)
    wakesSweeper = state.sweeperSleeps
    state.sweeperSleeps = false
    return claim
  }

  private func giveBack(_ reader: SnapshotReader) {
    let isWaitedFor = state.withLock { state in
      // A snapshot that began in this use is met here first, so it counts from now on; a read that
      // took long is followed by the next round all the same.
      if reader.isFresh {
        reader.isFresh = false
        reader.firstRound = state.round
        state.snapshots += 1
      }
      state.idle.append(reader)
      state.inUse -= 1
      return state.waiting > 0 || state.isClosed
    }
    if isWaitedFor { state.change { _ in } }
  }
}

// MARK: Letting go

extension SnapshotPool {
  /// Lets go what idle readers hold, where the test says so.
  private func letGo(where test: (SnapshotReader) -> Bool) {
    Self.letGo(state, where: test)
  }

  private static func letGo(_ state: Monitor<State>, where test: (SnapshotReader) -> Bool) {
    let readers = state.withLock { state in
      var taken: [SnapshotReader] = []
      state.idle.removeAll { reader in
        guard reader.isOpen, test(reader) else { return false }
        taken.append(reader)
        return true
      }
      // They count as used, so that nobody closes the pool meanwhile.
      state.inUse += taken.count
      return taken
    }
    guard !readers.isEmpty else { return }
    for reader in readers { reader.letGo() }
    state.change { state in
      state.inUse -= readers.count
      // To the front: those that are used stay warm.
      state.idle.insert(contentsOf: readers, at: 0)
    }
  }

  private static func sweep(_ state: Monitor<State>, every period: Duration) {
    while true {
      let goesOn: Bool? = state.wait { state in
        if state.isClosed { return false }
        if state.inUse > 0 || state.idle.contains(where: { $0.isOpen }) { return true }
        state.sweeperSleeps = true
        return nil
      }
      guard goesOn == true else { return }
      let isClosed: Bool? = state.wait(atMost: period) { $0.isClosed ? true : nil }
      guard isClosed == nil else { return }
      let round = state.withLock { state in
        state.round += 1
        return state.round
      }
      letGo(state) { round - $0.firstRound >= 2 }
    }
  }
}
