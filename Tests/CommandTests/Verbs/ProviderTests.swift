import Foundation
import HoldfastTesting
import Testing

/// The verbs of providers.
@Suite(.timeLimit(.minutes(5))) struct ProviderVerbs {
  /// Goal: a provider goes through its circuit by verbs.
  ///
  /// Method: put, three failures, states by hand, acquire, and delete; a missing one exits 66.
  @Test(arguments: Engines.available)
  func `a provider goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    #expect(
      try await place.done("provider", "put", "openai", "--priority", "2")
        .contains("circuit\tclosed\n"))
    try await place.done("provider", "put", "anthropic", "--priority", "1")
    let listed = try await place.holdfast("provider", "list")
    #expect(listed.lines.map { $0.split(separator: "\t").first } == ["anthropic", "openai"])
    #expect(
      try await place.done("provider", "success", "openai", "--latency", "840ms")
        .contains("last_latency\t840ms\n"))
    #expect(try await place.done("provider", "get", "openai").contains("total_successes\t1\n"))
    for _ in 0..<3 {
      try await place.done(
        "provider", "failure", "openai", "--kind", "timeout", "--error", "no answer")
    }
    let open = try await place.done("provider", "get", "openai")
    #expect(open.contains("circuit\topen\n") && open.contains("last_error\tno answer\n"))
    // A wait that a busy machine does not outlast.
    let now = Date.now.formatted(.iso8601)
    try await place.done(
      "provider", "put", "openai", "--state",
      #"{"circuit":"open","opened_at":"\#(now)","wait":"10m"}"#)
    let denied = try await place.done("provider", "acquire", "openai")
    #expect(denied.contains("allowed\tfalse\n") && denied.contains("reason\topen\n"))
    #expect(
      try await place.holdfast("provider", "success", "openai", "--probe-token", "7").code == 75)
    let closed = try await place.done(
      "provider", "put", "openai", "--state", #"{"circuit":"closed"}"#)
    #expect(closed.contains("circuit\tclosed\n") && closed.contains("priority\t2\n"))
    #expect(
      try await place.done("provider", "rate-limited", "openai", "--retry-after", "10m")
        .contains("consecutive_failures\t1\n"))
    #expect(
      try await place.done("provider", "acquire", "openai").contains("reason\trate_limited\n"))
    #expect(try await place.holdfast("provider", "failure", "openai", "--kind", "mood").code == 64)
    #expect(try await place.holdfast("provider", "delete", "openai").code == 64)
    try await place.done("provider", "delete", "openai", "--yes")
    #expect(try await place.holdfast("provider", "get", "openai").code == 66)
    #expect(try await place.holdfast("provider", "acquire", "openai").code == 66)
  }
}
