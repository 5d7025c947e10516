import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// What becomes of a transaction whose body swallows an error: see ``DoomTests`` for those of the
/// database, and for the limits of a transaction as a whole.
@Suite(.timeLimit(.minutes(5))) struct SwallowedErrorTests {
  private typealias Write = @Sendable (Transaction) throws -> Void

  /// Each is refused as too large: a string or a text past 100 bytes, or more than 5 keys at once.
  private let tooLarge: [(name: String, write: Write)] = {
    let long = String(repeating: "x", count: 101)
    return [
      ("put", { tx in try tx.kv(.global).put("k", .string(long)) }),
      ("put with a description", { tx in try tx.kv(.global).put("k", 1, description: long) }),
      ("put many", { tx in try tx.kv(.global).putMany([Put("k", .string(long))]) }),
      ("get many", { tx in _ = try tx.kv(.global).getMany((0..<6).map { "k\($0)" }) }),
      ("begin", { tx in try tx.runs.begin("new", metadata: ["a": .string(long)]) }),
      ("update a run", { tx in try tx.runs.update("run", metadata: ["a": .string(long)]) }),
      ("fail", { tx in try tx.runs.fail("run", error: long) }),
      ("create", { tx in try tx.bots.create("new", slug: "new", name: long) }),
      ("update a bot", { tx in try tx.bots.update("bot", metadata: ["a": .string(long)]) }),
    ]
  }()

  /// Goal: what is too large dooms the transaction on both databases, whatever the body does.
  ///
  /// Method: each operation is given too much between two writes, and the body swallows the
  /// refusal; the call is refused with it and nothing is kept.
  @Test(arguments: Engines.available)
  func `what is too large dooms the transaction`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.stringBytesMax = 100
    options.limits.descriptionBytesMax = 100
    options.limits.transactionOperationsMax = 5
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await store.runs.begin("run")
      try await store.bots.create("bot", slug: "bot")
      for (name, write) in tooLarge {
        let events = try await store.changes.made {
          await expectRefusal(.tooLarge, "\(name)") {
            try await store.transaction { tx in
              try tx.kv(.global).put("before", 1)
              let swallowed = #expect(throws: StoreError.self) { try write(tx) }
              #expect(swallowed?.code == .tooLarge, "\(name)")
              _ = try? tx.kv(.global).put("after", 1)
            }
          }
        }
        #expect(events.isEmpty, "\(name)")
      }
      #expect(try await store.kv(.global).count() == 0)
    }
  }

  /// Goal: who read a row that is damaged may not go on as if it were not there.
  ///
  /// Method: breaks the stored value; a body swallows the error of reading it and writes.
  @Test(arguments: Engines.available)
  func `a damaged row dooms the transaction`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.kv(.global).put("broken", 1)
      try await store.breakValues()
      await expectRefusal(.corrupt) {
        try await store.transaction { tx in
          let value = try? tx.kv(.global).get("broken")
          #expect(value == nil)
          try tx.kv(.global).put("after", 1)
        }
      }
      #expect(try await store.kv(.global).get("after") == nil)
      try await store.kv(.global).delete("broken")
    }
  }

  /// Goal: a statement that is given too few or too many values is the same fault on both
  /// databases, and does nothing.
  ///
  /// Method: numbers of values around the right one, in a read, in steps and in a body.
  @Test(arguments: Engines.available, [0, 1, 3])
  func `a statement takes exactly its parameters`(
    on engine: TestEngine, count: Int
  ) async throws {
    let sum = Statement("SELECT CAST($1 AS BIGINT) + CAST($2 AS BIGINT)")
    let values = (0..<count).map { Bound.integer(Int64($0)) }
    try await withStore(on: engine) { test in
      let inner = test.store.engine
      let errors = [
        await refusal { try await inner.read(Step(sum, values)) },
        await refusal { try await inner.write(WriteOptions(), [Step(sum, values)]) },
        await refusal {
          try await inner.write(WriteOptions()) { _ = try? $0.run([Step(sum, values)]) }
        },
      ]
      for error in errors {
        #expect(error?.code == .internal)
        #expect(error?.message == "A statement takes 2 parameters and got \(count).")
      }
      let right = try await inner.read(Step(sum, [.integer(1), .integer(2)]))
      #expect(right.rows.first?.first?.integer == 3)
    }
  }
}
