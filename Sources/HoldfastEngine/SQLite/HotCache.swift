import HoldfastCore
import NIOConcurrencyHelpers

/// The map of hot entries, behind a look at the header of the log's index.
///
/// Invariants:
/// - An answer comes from the state that the database is in while it is given: the header is read
///   under the lock, and whenever it is not the map's, the map forgets.
/// - An entry is kept only if it was read under exactly the map's header.
/// - After ``close()`` the header is not read any more, for its memory may be gone.
final class HotCache: Sendable {
  fileprivate struct State {
    var map: HotMap
    var header: WALHeader
    var hits = 0
    var misses = 0
    var isClosed = false
  }

  private let state: NIOLockedValueBox<State>
  private let wal: WALIndex

  init(wal: WALIndex, bytesMax: Int) {
    self.wal = wal
    state = NIOLockedValueBox(State(map: HotMap(bytesMax: bytesMax), header: wal.read()))
  }

  /// Looks a key up.
  ///
  /// - Parameter key: The key.
  /// - Returns: What is known of it now.
  /// - Throws: `closed` after ``close()``.
  func find(_ key: HotKey) throws(StoreError) -> HotMap.Answer {
    let answer: HotMap.Answer? = state.withLockedValue { state in
      guard !state.isClosed else { return nil }
      state.follow(wal.read())
      let answer = state.map.find(key)
      if case .entry = answer { state.hits += 1 } else { state.misses += 1 }
      return answer
    }
    guard let answer else { throw StoreError(.closed, "The store is closed.") }
    return answer
  }

  /// Keeps an entry, unless the database has changed since it was read.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - entry: The entry; `nil` where there is none.
  ///   - size: Its size in bytes.
  ///   - header: The state that it was read in.
  func keep(
    _ key: HotKey, _ entry: (any AnyObject & Sendable)?, size: Int, readUnder header: WALHeader
  ) {
    state.withLockedValue { state in
      guard !state.isClosed else { return }
      state.follow(wal.read())
      guard header.shows(sameAs: state.header) else { return }
      state.map.keep(key, entry, size: size)
    }
  }

  /// How the map is used: entries, bytes, hits and misses.
  var figures: (entries: Int, bytes: Int, hits: Int, misses: Int) {
    state.withLockedValue { ($0.map.count, $0.map.bytes, $0.hits, $0.misses) }
  }

  /// Ends the use of the header.
  func close() { state.withLockedValue { $0.isClosed = true } }
}

extension HotCache.State {
  fileprivate mutating func follow(_ now: WALHeader) {
    guard !header.shows(sameAs: now) else { return }
    map.changeState()
    header = now
  }
}
