import HoldfastCore
import HoldfastEngine
import Testing

/// Long reads have threads of their own, and these are few.
@Suite(.timeLimit(.minutes(5))) struct ScanWaitTests {
  /// Goal: a long read for which no thread becomes free is told so within the bound of waits, and
  /// harms nobody.
  ///
  /// Method: one thread for long reads, whose body stays until the others were refused.
  @Test func `a long read gives up when no thread becomes free`() async throws {
    try await SQLiteFixture().with {
      $0.readersMax = 2
      $0.busyWaitMax = .milliseconds(200)
    } _: { engine in
      let start = try await engine.feedEnd()
      let isOpen = Monitor(false)
      let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
      async let held: Bool = engine.read(.scan) { _ in
        hasBegun.finish()
        return isOpen.wait(atMost: .seconds(10)) { $0 ? true : nil } ?? false
      }
      for await _ in begun {}
      await expectError(.unavailable) { try await engine.read(.scan) { _ in 1 } }
      await expectError(.unavailable) { try await engine.feed(after: start, limit: 1_000) }
      await expectError(.unavailable) { try await engine.verify() }
      isOpen.change { $0 = true }
      #expect(try await held)
      #expect(try await engine.read(.scan) { _ in 1 } == 1)
    }
  }
}
