import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct PlannedMigrationTests {
  /// Goal: what an opening would run is told beforehand, and nothing is changed by asking.
  ///
  /// Method: asks before and after the first opening; then for a place that is no store's.
  @Test(arguments: Engines.available)
  func `what an opening would run is told beforehand`(on engine: TestEngine) async throws {
    let place = try await engine.makePlace()
    defer { place.remove() }
    let all = try await Store.plannedMigrations(.temporary)
    #expect(all.map(\.number) == Array(1...all.count))
    for _ in 0..<2 {
      let planned = try await Store.plannedMigrations(place.location)
      #expect(planned.map(\.name) == all.map(\.name))
    }
    let store = try await Store.open(place.location, options: .testing())
    await store.close()
    #expect(try await Store.plannedMigrations(place.location).isEmpty)
    let nowhere =
      engine == .sqlite ? "/nowhere/store.db" : "postgres://holdfast@127.0.0.1:1/holdfast"
    let error = await refusal { try await Store.plannedMigrations(StoreLocation(nowhere)) }
    #expect(error?.code == (engine == .sqlite ? .notFound : .unavailable))
  }

  /// Goal: a store may be named as a file's URL.
  @Test func `a file URL names a store`() async throws {
    let place = try await TestEngine.sqlite.makePlace()
    defer { place.remove() }
    let folder = try #require(place.folder)
    let store = try await Store.open(
      StoreLocation("file://\(folder)/store.db"), options: .testing())
    try await store.kv(.global).put("k", 1)
    await store.close()
    #expect(StoreLocation("file://\(folder)/store.db").summary == "\(folder)/store.db")
    let again = try await Store.open(place.location, options: .testing())
    #expect(try await again.kv(.global).get("k") == 1)
    await again.close()
  }
}
