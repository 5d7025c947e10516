import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileCheckTests {
  /// Content that notes whether anybody asked for it.
  private struct Pieces: AsyncSequence, Sendable {
    typealias Element = [UInt8]

    let isRead = NIOLockedValueBox(false)

    func makeAsyncIterator() -> Iterator { Iterator(isRead: isRead) }

    struct Iterator: AsyncIteratorProtocol {
      let isRead: NIOLockedValueBox<Bool>

      mutating func next() async -> [UInt8]? {
        isRead.withLockedValue { $0 = true }
        return nil
      }
    }
  }

  /// Goal: a save that can never be is refused before its content comes, with an idempotency key
  /// too.
  ///
  /// Method: a bad name, media type and namespace, with and without a key.
  @Test(arguments: Engines.available)
  func `a save that cannot be asks for no content`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let saves: [(namespace: Namespace, name: String, mediaType: String)] = [
        (.global, "a/b", "text/plain"), (.global, "a", "text/plaïn"),
        (.run(String(repeating: "r", count: 2_000)), "a", "text/plain"),
      ]
      for settings in [WriteSettings.standard, .idempotent("key")] {
        for save in saves {
          let pieces = Pieces()
          await expectRefusal(.invalid) {
            try await test.store.files(save.namespace).save(
              save.name, contentsOf: pieces, mediaType: save.mediaType, with: settings)
          }
          #expect(!pieces.isRead.withLockedValue { $0 })
        }
      }
      let pieces = Pieces()
      try await test.store.files().save("a", contentsOf: pieces, with: .idempotent("key"))
      #expect(pieces.isRead.withLockedValue { $0 })
    }
  }
}
