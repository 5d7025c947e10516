public import Holdfast
import NIOConcurrencyHelpers
public import Testing

/// A store that belongs to one test.
///
/// It can be opened again in the same place, to see what survives, and a second time, to see what
/// two nodes make of each other.
public final class TestStore: Sendable {
  /// Where the store lives.
  public let place: StorePlace
  private let options: StoreOptions
  private let stores = NIOLockedValueBox<[Store]>([])
  private let current: NIOLockedValueBox<Store>

  /// On which database the store lives.
  public var engine: TestEngine { place.engine }
  /// The store; another one after ``restart(options:)``.
  public var store: Store { current.withLockedValue(\.self) }

  fileprivate init(_ place: StorePlace, _ options: StoreOptions) async throws(StoreError) {
    self.place = place
    self.options = options
    current = NIOLockedValueBox(try await Store.open(place.location, options: options))
    stores.withLockedValue { $0 = [store] }
  }

  /// Opens a second store on the same data, as another node would.
  ///
  /// - Parameter options: How to open it; as the first one if left out.
  /// - Returns: The store; it is closed with the test.
  /// - Throws: What `Store.open` throws.
  public func openAnother(_ options: StoreOptions? = nil) async throws(StoreError) -> Store {
    let store = try await Store.open(place.location, options: options ?? self.options)
    stores.withLockedValue { $0.append(store) }
    return store
  }

  /// Closes every store of the test and opens the first one again.
  ///
  /// - Parameter options: How to open it; as before if left out.
  /// - Returns: The store, which is ``store`` from now on.
  /// - Throws: What `Store.open` throws.
  @discardableResult
  public func restart(options: StoreOptions? = nil) async throws(StoreError) -> Store {
    await closeAll()
    let store = try await openAnother(options)
    current.withLockedValue { $0 = store }
    return store
  }

  /// Closes every store of the test.
  public func closeAll() async {
    let open = stores.withLockedValue { stores in
      defer { stores = [] }
      return stores
    }
    for store in open { await store.close() }
  }

  /// Closes all, opens the place afresh without any fault injected, and checks what is there.
  fileprivate func finish(_ sourceLocation: SourceLocation) async {
    await closeAll()
    do throws(StoreError) {
      var plain = StoreOptions.testing(time: options.time, ids: options.ids)
      plain.createsMissing = false
      plain.masterKey = options.masterKey
      let store = try await Store.open(place.location, options: plain)
      let problems = try await store.verify().problems
      await store.close()
      for problem in problems {
        Issue.record("verify found: \(problem)", sourceLocation: sourceLocation)
      }
    } catch {
      Issue.record("verify failed: \(error)", sourceLocation: sourceLocation)
    }
  }
}

/// Gives a test a fresh store, and checks the store when the test is done with it.
///
/// When the body has returned, every store of the test is closed, the place is opened once more,
/// and what the store's own `verify` finds is recorded as a failure of the test. Then the files go.
/// A dozen tests on one database have their store at once; the others wait for their turn.
///
/// - Parameters:
///   - engine: On which database.
///   - options: How to open it.
///   - sourceLocation: Where a failure is reported.
///   - body: The test.
/// - Returns: What the body returned.
/// - Throws: What the body throws, and ``HoldfastCore/StoreError`` where no store could be opened.
@discardableResult
public func withStore<Result>(
  on engine: TestEngine, options: StoreOptions = .testing(),
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (TestStore) async throws -> Result
) async throws -> Result {
  let slots = StoreSlots.of(engine)
  await slots.take()
  defer { slots.give() }
  let place = try await engine.makePlace()
  defer { place.remove() }
  let test = try await TestStore(place, options)
  do {
    let result = try await body(test)
    await test.finish(sourceLocation)
    return result
  } catch {
    await test.closeAll()
    throw error
  }
}
