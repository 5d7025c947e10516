import Holdfast
import HoldfastEngine
import HoldfastServer
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct BoundTests {
  /// Holds the writer of a store for as long as a body runs.
  private func holding<Result>(
    _ store: Store, _ body: () async throws -> Result
  ) async throws -> Result {
    let gate = Monitor(false)
    let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
    let holding = Task {
      try await store.transaction { tx in
        try tx.kv(.global).increment("held")
        beginning.yield()
        _ = gate.wait { $0 ? () : nil }
      }
    }
    for await _ in begun { break }
    do {
      let result = try await body()
      gate.change { $0 = true }
      try await holding.value
      return result
    } catch {
      gate.change { $0 = true }
      throw error
    }
  }

  /// Goal: what a server is bounded by where nobody says otherwise.
  @Test func `the bounds have their defaults`() {
    let options = ServerOptions()
    #expect(options.requestTimeMax == .seconds(60) && options.stallTimeMax == .seconds(60))
    #expect(options.waitMax == .seconds(60))
    #expect(options.connectionsMax == 16_384)
    #expect(options.host == "127.0.0.1" && options.port == 7_420)
  }

  /// Goal: a request that takes longer than its time is answered then: whether a write was done is
  /// not known.
  ///
  /// Method: a write that waits for a writer who holds on; the clock is moved to the limit.
  @Test func `a request is held to its time`() async throws {
    let time = ManualTimeSource()
    try await withServer(store: .testing(time: time)) {
      $0.requestTimeMax = .seconds(5)
    } _: { server in
      let answer = try await holding(server.store) {
        async let late = server.send("PUT", "/v1/kv/global/a", ["value": 1])
        try await time.sleepers(atLeast: 1)
        time.advance(by: .seconds(5))
        return try await late
      }
      #expect(answer.status == 503 && answer.code == "uncertain", "\(answer.text)")
    }
  }

  /// Goal: a request more than may be worked on at once is sent away with a time to come back, and
  /// has its turn when another is done; whether the server lives is told all the same.
  ///
  /// Method: a bound of one, and a write that waits for a writer who holds on.
  @Test func `a request more than the bound comes back later`() async throws {
    let time = ManualTimeSource()
    try await withServer(store: .testing(time: time)) {
      $0.requestsAtOnceMax = 1
    } _: { server in
      let first = try await holding(server.store) {
        let first = Task { try await server.send("PUT", "/v1/kv/global/a", ["value": 1]) }
        // Its time limit runs, so it is being worked on.
        try await time.sleepers(atLeast: 1)
        let second = try await server.send("GET", "/v1/kv/global/a")
        #expect(second.status == 503 && second.code == "unavailable", "\(second.text)")
        #expect(second.headers["retry-after"] == "1")
        #expect(try await server.send("GET", "/livez").status == 200)
        return first
      }
      #expect(try await first.value.status == 201)
      #expect(try await server.send("GET", "/v1/kv/global/a").status == 200)
    }
  }

  /// Goal: a connection more than may be open is not refused: it waits until another is closed.
  ///
  /// Method: a bound of one. A second connection asks for a key, then the first one asks for other
  /// things many times, writes the key and ends; the second must see it.
  @Test func `a connection more than the bound waits`() async throws {
    try await withServer {
      $0.connectionsMax = 1
    } _: { server in
      let alive = server.head("GET", "/livez", headers: ["Connection": "keep-alive"])
      let told = #"{"status":"ok"}"#
      let body = #"{"value":1}"#
      let last = server.head(
        "PUT", "/v1/kv/global/a", headers: ["Content-Type": "application/json"],
        length: body.utf8.count)
      try await Wire.with(port: server.port) { first in
        try await first.write(alive)
        #expect(try await first.read(through: told).hasPrefix("HTTP/1.1 200"))
        try await Wire.with(port: server.port) { second in
          try await second.write(server.head("GET", "/v1/kv/global/a"))
          for _ in 0..<50 {
            try await first.write(alive)
            #expect(try await first.read(through: told).contains("HTTP/1.1 200"))
          }
          try await first.write(last + body)
          #expect(try await first.readToEnd().contains("HTTP/1.1 201"))
          #expect(Answer(try await second.readToEnd()).status == 200)
        }
      }
    }
  }
}
