import Foundation
import Holdfast

/// What every row needs: a folder, a filled store for each side, keys and values.
struct Bench: Sendable {
  let settings: Settings
  let folder: String

  /// How many keys the stores of rows 1 to 8 hold.
  static let keyCount = 100_000
  static let namespace = Namespace.global
  static let keys = (0..<keyCount).map(key)

  init(_ settings: Settings) throws {
    self.settings = settings
    folder = settings.folder + "/holdfast-bench-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  func removeFiles() { try? FileManager.default.removeItem(atPath: folder) }

  static func key(_ number: Int) -> String {
    let digits = String(number)
    return "key-" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// A string whose JSON is 100 bytes long.
  static let text = String(repeating: "0123456789abcdef", count: 6) + "xy"
  static let value = Value.string(text)
  /// The same as it is stored.
  static let json = "\"\(text)\""

  static func options(hotBytesMax: Int? = nil) -> StoreOptions {
    var options = StoreOptions()
    options.runsUpkeep = false
    options.logger.logLevel = .critical
    if let hotBytesMax { options.hotBytesMax = hotBytesMax }
    return options
  }

  /// Makes a store with all keys, and a copy of its file for the other side.
  ///
  /// - Parameter name: What the files are called.
  /// - Returns: The paths of the two.
  /// - Throws: What the store said.
  func makeStores(_ name: String) async throws -> (ours: String, theirs: String) {
    let ours = "\(folder)/\(name)-ours.db"
    let theirs = "\(folder)/\(name)-theirs.db"
    let store = try await Store.open(StoreLocation(ours), options: Self.options())
    try await Self.fill(store, keys: Self.keyCount)
    try await store.transaction { tx in
      for number in 1...2 {
        try tx.runs.begin("bench-\(number)")
        try tx.bots.create("bench-\(number)", slug: "bench-\(number)")
      }
    }
    await store.close()
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: ours + suffix) {
      try FileManager.default.copyItem(atPath: ours + suffix, toPath: theirs + suffix)
    }
    return (ours, theirs)
  }

  /// Puts keys, a thousand in a transaction.
  static func fill(_ store: Store, keys count: Int) async throws {
    let kv = store.kv(namespace)
    var next = 0
    while next < count {
      let end = min(next + 1_000, count)
      try await kv.putMany((next..<end).map { Put(key($0), value) }, with: .relaxed)
      next = end
    }
  }

  /// Numbers of keys in random order, the same in every run.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - keys: Below which number.
  ///   - seed: Another order for each.
  /// - Returns: The numbers.
  static func order(_ count: Int, below keys: Int = keyCount, seed: UInt64) -> [Int32] {
    var random = Random(seed: seed)
    return (0..<count).map { _ in Int32.random(in: 0..<Int32(keys), using: &random) }
  }
}

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct Random: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
