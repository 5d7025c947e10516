import Holdfast
import Testing

/// What children of mode `race` acknowledged, added up.
struct RaceScore: CustomStringConvertible {
  private var hot: [String: Int64] = [:]
  private var pairs: Int64 = 0
  private(set) var errors: [String: Int] = [:]
  /// What the engines of the children counted, such as retries.
  private(set) var health: [String: Int] = [:]
  private var writes = 0
  private var reads = 0
  private var longest = 0

  /// Reads a child to its end.
  mutating func add(_ child: Child) async throws {
    while let line = await child.next() { take(line) }
    #expect(child.ending?.status == 0, "a child ended with \(String(describing: child.ending))")
  }

  /// Takes note of a line.
  mutating func take(_ line: String) {
    let words = line.split(separator: " ").map(String.init)
    let last = words.last.flatMap { Int($0) } ?? 0
    switch words.first {
    case "hot": hot[words[1], default: 0] += Int64(last)
    case "pair": pairs += Int64(last)
    case "errors": errors[words[1], default: 0] += last
    case "health": health[words[1], default: 0] += last
    case "writes":
      writes += Int(words[1]) ?? 0
      longest = max(longest, Int(words[2]) ?? 0)
    case "reads": reads += last
    case "fault", "failed": Issue.record("a child said: \(line)")
    default: break
    }
  }

  /// Compares with what the store holds.
  func check(_ location: StoreLocation) async throws {
    #expect(writes > 0)
    let store = try await Store.open(location)
    for (key, count) in hot {
      #expect(try await store.kv(.global).get(key) == .integer(count))
    }
    if pairs > 0 {
      #expect(try await store.kv(.global).get("left") == .integer(pairs))
      #expect(try await store.kv(.global).get("right") == .integer(pairs))
    }
    #expect(try await store.verify().problems == [])
    await store.close()
  }

  var description: String {
    "\(writes) writes, longest \(longest / 1_000) ms, \(reads) reads, "
      + "errors \(errors.values.reduce(0, +))"
  }
}
