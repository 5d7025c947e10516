import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct LocalClientTests {
  private func client(_ store: Store) -> LocalClient {
    LocalClient(store: store, user: "ada")
  }

  private func json(_ response: APIResponse) async throws -> Value {
    try Value(json: try await response.body.collect(upTo: 1 << 20))
  }

  /// Goal: the same routes answer without a socket, and without a token.
  ///
  /// Method: write and read a key, and ask for what is not there, on every engine.
  @Test(arguments: Engines.available)
  func `the routes answer in the process`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let client = client(test.store)
      let put = try await client.send(
        APIRequest(.put, "/v1/kv/global/a%2Fb", body: Array(#"{"value":1.0}"#.utf8)))
      #expect(put.status == 201)
      #expect(put.headers[.location] == "/v1/kv/global/a%2Fb")
      let get = try await client.send(APIRequest(.get, "/v1/kv/global/a%2Fb"))
      #expect(get.status == 200)
      #expect(try await json(get)["value"] == 1.0)
      let missing = try await client.send(APIRequest(.get, "/v1/kv/global/x"))
      #expect(missing.status == 404)
      #expect(try await json(missing)["code"] == "not_found")
      let tokens = try await client.send(APIRequest(.get, "/v1/tokens"))
      #expect(tokens.status == 200)
      #expect(try await json(tokens)["items"] == [])
      let head = try await client.send(APIRequest(.head, "/v1/kv/global/a%2Fb"))
      #expect(try await head.body.collect(upTo: 10).isEmpty)
      let poll = try await client.send(APIRequest(.get, "/v1/changes?wait=0s"))
      #expect(try await json(poll)["items"] == [])
    }
  }

  /// Goal: a watch works without a socket, and ends when nobody reads it.
  ///
  /// Method: read a stream's first pieces while keys are put, let it go, and do so again.
  @Test(arguments: Engines.available)
  func `a watch streams in the process`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for round in 0..<3 {
        let watch = try await client(test.store).send(
          APIRequest(.get, "/v1/changes?namespace=global"))
        #expect(watch.headers[.contentType] == "text/event-stream")
        var pieces = watch.body.makeAsyncIterator()
        let hello = try #require(try await pieces.next())
        #expect(String(decoding: hello, as: UTF8.self).contains("id: "))
        for key in ["a", "b"] {
          try await test.store.kv(.global).put(key, .integer(Int64(round)))
          let piece = try #require(try await pieces.next())
          #expect(String(decoding: piece, as: UTF8.self).contains("\"key\":\"\(key)\""))
        }
      }
    }
  }

  /// Goal: a handoff loses nothing and ends for both sides.
  ///
  /// Method: a thousand elements from one task to another, then an end from each side.
  @Test func `a handoff loses nothing`() async throws {
    let handoff = Handoff<Int>()
    let sender = Task {
      for number in 0..<1_000 where await !handoff.send(number) { return false }
      handoff.finish()
      return true
    }
    var taken: [Int] = []
    for try await number in handoff { taken.append(number) }
    #expect(taken == Array(0..<1_000))
    #expect(await sender.value)
    #expect(await !handoff.send(0))
    let left = Handoff<Int>()
    let waiting = Task {
      while await left.send(0) {}
      return true
    }
    do {
      let iterator = left.makeAsyncIterator()
      _ = await iterator.next()
    }
    #expect(await waiting.value)
    let cancelled = Handoff<Int>()
    let reader = Task { await cancelled.next() }
    reader.cancel()
    #expect(await reader.value == nil)
  }
}
