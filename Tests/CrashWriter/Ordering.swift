import Holdfast
import NIOConcurrencyHelpers

/// Mode `orders`: does what it is told, and answers.
///
/// An order is `NUMBER VERB …`; its answer is `= NUMBER ok …` with what was found, or
/// `= NUMBER error CODE …`. Orders run side by side.
struct Ordering: Sendable {
  let store: Store

  /// Lets go of the body that the order `hold` began.
  private static let held = Gate()

  func run(_ orders: AsyncStream<String>) async {
    await withTaskGroup(of: Void.self) { group in
      for await line in orders {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 2 else { continue }
        if words[1] == "close" { break }
        group.addTask { await answer(words[0], words[1], Array(words.dropFirst(2))) }
      }
      // The store is being closed: what was accepted is finished.
    }
  }

  private func answer(_ number: String, _ verb: String, _ words: [String]) async {
    do {
      let answer = try await carryOut(verb, words, number)
      Report.line("= \(number) ok \(answer) \(Report.microseconds)")
    } catch let error as StoreError {
      Report.line("= \(number) error \(error.code.name) \(error.message)")
    } catch {
      Report.line("= \(number) error other \(error)")
    }
  }

  private func carryOut(_ verb: String, _ words: [String], _ number: String) async throws -> String
  {
    let kv = store.kv(.global)
    let key = words.first ?? "key"
    let amount = words.count > 1 ? Int(words[1]) ?? 0 : 0
    switch verb {
    case "put":
      return String(try await kv.put(key, .integer(Int64(amount))).entry.version)
    case "fill":
      let value = Value.string(String(repeating: "z", count: amount))
      return String(try await kv.put(key, value).entry.version)
    case "batch":
      return String(try await batch(key, amount))
    case "get":
      return try await kv.get(key)?.integerValue.map { String($0) } ?? "-"
    case "exists":
      return try await kv.exists(key) ? "1" : "0"
    case "snapshot":
      return try await store.read { try $0.kv(.global).get(key)?.integerValue }
        .map { String($0) } ?? "-"
    case "list":
      return try await kv.list(KeyQuery(prefix: key, includesValues: true)).items.first?.value?
        .integerValue.map { String($0) } ?? "-"
    case "count":
      return String(try await kv.count(prefix: key))
    case "hold":
      return String(try await hold(key, number))
    case "release":
      Self.held.open()
      return ""
    case "verify":
      let problems = try await store.verify().problems
      return problems.isEmpty ? "valid" : problems.joined(separator: "; ")
    case "balloon":
      return String(Balloon.blow(at: key))
    case "burst":
      return String(Balloon.burst(at: key))
    default: return "?"
    }
  }

  /// A transaction larger than SQLite's cache of pages: it writes to the disk before its COMMIT.
  private func batch(_ key: String, _ count: Int) async throws -> Int {
    let value = Value.string(String(repeating: "w", count: 100_000))
    return try await store.transaction { tx in
      for number in 0..<count { try tx.kv(.global).put("\(key):\(number)", value) }
      return count
    }
  }

  /// A transaction that has written and stays open until it is released.
  private func hold(_ key: String, _ number: String) async throws -> Int64 {
    try await store.transaction { tx in
      let version = try tx.kv(.global).put(key, 1).entry.version
      Report.line("= \(number) holding")
      Self.held.wait()
      return version
    }
  }
}
