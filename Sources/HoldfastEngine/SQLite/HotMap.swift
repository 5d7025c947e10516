import HoldfastCore

/// A bounded map of entries that hold under one state of the database.
///
/// Entries of an older state are not thrown out one by one when the state changes, which could take
/// milliseconds under a lock: the map counts its states, and an entry of another state than the
/// present one is not there. Room is made by the clock algorithm (second chance): a hand goes round
/// over the entries and takes the first that was not used since it came by last; those of an older
/// state go at once.
///
/// A pure value; the caller keeps it under a lock.
struct HotMap {
  /// What the map says of a key: an entry, or that there is known to be none.
  enum Answer {
    case entry((any AnyObject & Sendable)?)
    case unknown
  }

  private struct Slot {
    let key: HotKey
    var entry: (any AnyObject & Sendable)?
    var size: Int
    var state: UInt64
    var wasUsed: Bool
  }

  private let bytesMax: Int
  private var slots: [Slot?] = []
  private var free: [Int] = []
  private var places: [HotKey: Int] = [:]
  private var hand = 0
  private var state: UInt64 = 0
  private(set) var bytes = 0

  /// What an entry costs besides itself and its key: the slot, and its part of the index.
  private static let overheadBytes = 160

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// How many entries take room, those of older states included.
  var count: Int { places.count }

  /// Makes everything unknown, because the database changed.
  mutating func changeState() { state += 1 }

  /// Looks a key up.
  ///
  /// - Parameter key: The key.
  /// - Returns: What is known of it in the present state.
  mutating func find(_ key: HotKey) -> Answer {
    guard let place = places[key], let slot = slots[place], slot.state == state else {
      return .unknown
    }
    if !slot.wasUsed { slots[place]?.wasUsed = true }
    return .entry(slot.entry)
  }

  /// Keeps what was found for a key in the present state.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - entry: The entry; `nil` where there is none.
  ///   - size: The entry's size in bytes.
  mutating func keep(_ key: HotKey, _ entry: (any AnyObject & Sendable)?, size: Int) {
    let size = size + key.space.text.utf8.count + key.name.text.utf8.count + Self.overheadBytes
    if let place = places[key] { remove(at: place) }
    // An entry that would push out an eighth of the others is not worth it.
    guard size <= bytesMax / 8 else { return }
    while bytes + size > bytesMax { evictOne() }
    let slot = Slot(key: key, entry: entry, size: size, state: state, wasUsed: false)
    if let place = free.popLast() {
      slots[place] = slot
      places[key] = place
    } else {
      slots.append(slot)
      places[key] = slots.count - 1
    }
    bytes += size
  }

  private mutating func evictOne() {
    while true {
      if hand >= slots.count { hand = 0 }
      defer { hand += 1 }
      guard let slot = slots[hand] else { continue }
      guard slot.wasUsed, slot.state == state else {
        remove(at: hand)
        return
      }
      slots[hand]?.wasUsed = false
    }
  }

  private mutating func remove(at place: Int) {
    guard let slot = slots[place] else { return }
    places[slot.key] = nil
    bytes -= slot.size
    slots[place] = nil
    free.append(place)
  }
}
