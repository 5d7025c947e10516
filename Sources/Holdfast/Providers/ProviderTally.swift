package import HoldfastCore
import NIOConcurrencyHelpers

/// Successes that changed no state, counted and not stored yet.
package struct ProviderTally: Sendable, Equatable {
  /// How many.
  package var successes: Int64
  /// How long the last of them took that said so.
  package var latency: Duration?
  /// When the last of them was.
  package var lastAt: Instant

  fileprivate mutating func add(_ later: ProviderTally) {
    successes += later.successes
    latency = later.latency ?? latency
    lastAt = max(lastAt, later.lastAt)
  }
}

/// What this process has counted and not stored yet, for each provider.
///
/// A success that changes no state is worth no durable write of its own: many callers would queue
/// at one row. The first one is stored, those of the following second are gathered, and the next
/// call after it stores them; so does the closing of the store. A crash loses the counts of a
/// second and nothing that decides.
package final class ProviderTallies: Sendable {
  private struct Slot {
    var tally: ProviderTally?
    /// When something was stored last, by the monotonic clock.
    var stored: Duration?
  }

  private let slots = NIOLockedValueBox<[Bytewise: Slot]>([:])
  private static let pause = Duration.seconds(1)

  package init() {}

  /// Adds successes.
  ///
  /// - Parameters:
  ///   - tally: The successes.
  ///   - name: The provider.
  ///   - time: The monotonic time.
  /// - Returns: What has to be stored now; `nil` while it may wait.
  func add(_ tally: ProviderTally, to name: String, at time: Duration) -> ProviderTally? {
    slots.withLockedValue { slots in
      var slot = slots[Bytewise(name)] ?? Slot()
      defer { slots[Bytewise(name)] = slot }
      if slot.tally == nil { slot.tally = tally } else { slot.tally?.add(tally) }
      if let stored = slot.stored, time - stored < Self.pause { return nil }
      defer { slot.tally = nil }
      slot.stored = time
      return slot.tally
    }
  }

  /// Takes what was gathered, to store or to forget it.
  ///
  /// - Parameters:
  ///   - name: The provider.
  ///   - time: The monotonic time.
  /// - Returns: What was gathered; `nil` for nothing.
  func take(_ name: String, at time: Duration) -> ProviderTally? {
    slots.withLockedValue { slots in
      guard let tally = slots[Bytewise(name)]?.tally else { return nil }
      slots[Bytewise(name)] = Slot(tally: nil, stored: time)
      return tally
    }
  }

  /// Puts back what could not be stored.
  ///
  /// - Parameters:
  ///   - tally: What ``take(_:at:)`` or ``add(_:to:at:)`` gave.
  ///   - name: The provider.
  func giveBack(_ tally: ProviderTally, to name: String) {
    slots.withLockedValue { slots in
      var slot = slots[Bytewise(name)] ?? Slot()
      var all = tally
      if let later = slot.tally { all.add(later) }
      slot.tally = all
      slots[Bytewise(name)] = slot
    }
  }

  /// What was gathered for a provider and is not stored.
  ///
  /// - Parameter name: The provider.
  /// - Returns: What was gathered; `nil` for nothing.
  func pending(_ name: String) -> ProviderTally? {
    slots.withLockedValue { $0[Bytewise(name)]?.tally }
  }

  /// Takes everything, at the end of the store's life.
  ///
  /// - Returns: What was gathered, by provider.
  func takeAll() -> [(name: String, tally: ProviderTally)] {
    let all = slots.withLockedValue { slots in
      defer { slots = [:] }
      return slots
    }
    return all.compactMap { name, slot in slot.tally.map { (name.text, $0) } }
  }
}

extension Provider {
  /// The provider as this process knows it: with what it counted and did not store yet.
  func adding(_ tally: ProviderTally?) -> Provider {
    guard let tally else { return self }
    var health = health
    health.totalSuccesses = min(health.totalSuccesses + tally.successes, Circuit.countMax)
    health.lastLatency = tally.latency ?? health.lastLatency
    health.lastSuccessAt = max(health.lastSuccessAt ?? tally.lastAt, tally.lastAt)
    return with(health)
  }
}
