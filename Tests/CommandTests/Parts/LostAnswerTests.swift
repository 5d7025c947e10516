import HTTPTypes
import HoldfastCore
import HoldfastServer
import Testing

@testable import HoldfastCommand

/// Answers that do not come whole, or from somebody in between.
@Suite(.timeLimit(.minutes(5))) struct LostAnswers {
  /// A server that answers every request alike.
  private struct Stub: APIClient {
    let status: Int
    let breaksOff: Bool

    func send(_ request: APIRequest) async throws(StoreError) -> APIResponse {
      let pieces = AsyncThrowingStream<[UInt8], any Error> { pieces in
        pieces.yield(Array(#"{"value":"#.utf8))
        pieces.finish(throwing: breaksOff ? BrokenOff() : nil)
      }
      return APIResponse(status: status, headers: [:], body: APIBody(pieces) { $0 })
    }
  }

  private struct BrokenOff: Error {}

  /// Goal: a write whose answer is lost may have been done, and is never called undone; what only
  /// reads can be tried again, whatever its method.
  ///
  /// Method: answers that break off, and those of a gateway that got none.
  @Test(arguments: [(200, true), (502, false), (504, false)])
  func `a write whose answer is lost is uncertain`(
    _ status: Int, _ breaksOff: Bool
  ) async throws {
    let connection = Connection(client: Stub(status: status, breaksOff: breaksOff))
    let route = Route("kv", "global", "a")
    let writes: [Request] = [
      .put(route, ["value": 1]), .post(route), .delete(route), .long(route),
    ]
    for request in writes {
      let error = await #expect(throws: StoreError.self) { try await connection.send(request) }
      #expect(error?.code == .uncertain, "\(request.method)")
    }
    for request: Request in [.get(route), .long(route, isRead: true)] {
      let error = await #expect(throws: StoreError.self) { try await connection.send(request) }
      #expect(error?.code == .unavailable, "\(request.method)")
    }
  }

  /// Goal: a gateway that says it was too busy to pass a request on has passed nothing on.
  @Test func `a busy gateway has done nothing`() async throws {
    let connection = Connection(client: Stub(status: 503, breaksOff: false))
    let error = await #expect(throws: StoreError.self) {
      try await connection.send(.post(Route("kv", "global", "a", "increment")))
    }
    #expect(error?.code == .unavailable)
  }
}
