import Holdfast
import HoldfastCore
import Hummingbird

/// Several writes at once, over all primitives.
enum TransactionRoutes {
  static let all = [
    Route(.post, "/v1/transactions", role: .agent, answer: run)
  ]

  private static let operation = Operation("transactions.run", isWrite: true)

  private static func run(_ call: Call) async throws -> Response {
    try call.noQuery()
    let settings = try call.settings()
    guard try Precondition.read(call.headers).isEmpty else {
      throw Refusal.malformed(
        "A transaction has no version of its own.",
        hint: "Send conditions as checks, or with the operations.")
    }
    let body = try call.fields()
    let request = try TransactionRequest(body, call.access, call.store.context)
    let reply = try await call.store.perform(
      operation, settings, arguments: .object(body), hotRows: request.hotRows
    ) { transaction in
      try request.run(in: transaction)
    }
    return .reply(reply)
  }
}
