import HTTPTypes
import Holdfast
import HoldfastCore
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Finds out who asks, and slows down whoever guesses.
///
/// After a failed sign-in the next answer to that address takes longer each time. What is kept of
/// an address is forgotten after a minute without a failure, and of more addresses than the bound
/// the one that failed longest ago. Secrets have 256 bits, so this is against noise more than
/// guessing.
final class SignIn: Sendable {
  private struct Failures {
    var count = 0
    var last = Duration.zero
    var waiting = 0
  }

  private let store: Store
  private let time: any TimeSource
  private let addresses = NIOLockedValueBox<[String: Failures]>([:])
  private let failed = NIOLockedValueBox(FailedSignIns())

  private static let addressesMax = 4_096
  private static let waitingMax = 32
  private static let delayBase = Duration.milliseconds(20)
  private static let delayMax = Duration.seconds(2)
  private static let forgetAfter = Duration.seconds(60)

  init(store: Store, time: any TimeSource) {
    self.store = store
    self.time = time
  }

  /// Who sent a request.
  ///
  /// - Parameters:
  ///   - headers: The request's header fields.
  ///   - channel: Where it came from.
  /// - Returns: What the token allows.
  /// - Throws: 401 without a valid token, after a delay; 429 for an address with too many of those
  ///   waiting.
  func access(_ headers: HTTPFields, from channel: (any Channel)?) async throws -> Access {
    guard let secret = Self.bearer(headers) else {
      throw Self.refused("No access token was sent.")
    }
    if let token = try await store.tokens.authenticate(secret) { return Access(token) }
    let address = channel?.remoteAddress?.ipAddress ?? ""
    await record(address)
    try await slowDown(address)
    throw Self.refused("The access token is unknown, revoked or expired.")
  }

  /// Looks whether a token is still good.
  ///
  /// - Parameter headers: The header fields that it came in.
  /// - Throws: `unauthenticated` where it is not.
  func trust(_ headers: HTTPFields) async throws(StoreError) {
    guard let secret = Self.bearer(headers), try await store.tokens.authenticate(secret) != nil
    else { throw StoreError(.unauthenticated, "The access token was revoked or has expired.") }
  }

  /// The secret in `Authorization: Bearer …`.
  private static func bearer(_ headers: HTTPFields) -> String? {
    guard var field = headers[.authorization] else { return nil }
    let scheme: StaticString = "bearer "
    return field.withUTF8 { bytes in
      let length = scheme.utf8CodeUnitCount
      guard bytes.count > length,
        (0..<length).allSatisfy({ bytes[$0] | 0x20 == scheme.utf8Start[$0] | 0x20 })
      else { return nil }
      let secret = bytes[length...].drop { $0 == UInt8(ascii: " ") }
      return secret.isEmpty ? nil : String(decoding: secret, as: UTF8.self)
    }
  }

  private static func refused(_ message: String) -> Refusal {
    let error = StoreError(
      .unauthenticated, message, hint: "Send Authorization: Bearer with a valid token.")
    return Refusal(error, headers: [.wwwAuthenticate: "Bearer"])
  }

  /// Enters a failure into the audit log, or counts it for the next record.
  ///
  /// A log that cannot be written lets nobody in: the caller is refused all the same.
  private func record(_ address: String) async {
    let now = time.monotonicTime()
    guard let entry = failed.withLockedValue({ $0.note(address, at: now) }) else { return }
    do throws(StoreError) {
      try await store.audit.record(
        AuditEntry(
          actor: "anonymous", action: AuditAction.signInFailed, subject: "address:\(address)",
          result: "denied",
          details: [
            "count": .integer(Int64(entry.count)), "others": .integer(Int64(entry.others)),
          ]))
    } catch {
      store.logger.warning(
        "failed sign-in not recorded", metadata: ["code": .string(error.code.name)])
    }
  }

  private func slowDown(_ address: String) async throws {
    let now = time.monotonicTime()
    let delay: Duration? = addresses.withLockedValue { addresses in
      var failures = addresses[address] ?? Failures()
      if now - failures.last > Self.forgetAfter, failures.waiting == 0 { failures = Failures() }
      guard failures.waiting < Self.waitingMax else { return nil }
      failures.count = min(failures.count + 1, 16)
      failures.last = now
      failures.waiting += 1
      addresses[address] = failures
      if addresses.count > Self.addressesMax { Self.makeRoom(&addresses) }
      return min(Self.delayBase * (1 << (failures.count - 1)), Self.delayMax)
    }
    guard let delay else {
      let error = StoreError(
        .exhausted, "Too many failed sign-ins come from this address.",
        hint: "Mend the token, and try again after a pause.")
      throw Refusal(error, status: 429, headers: [.retryAfter: "2"])
    }
    defer { addresses.withLockedValue { $0[address]?.waiting -= 1 } }
    try await time.sleep(for: delay)
  }

  private static func makeRoom(_ addresses: inout [String: Failures]) {
    let oldest = addresses.filter { $0.value.waiting == 0 }.min { $0.value.last < $1.value.last }
    if let oldest { addresses[oldest.key] = nil }
  }
}
