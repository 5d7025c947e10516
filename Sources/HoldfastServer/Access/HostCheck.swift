import HTTPTypes
import HoldfastCore
import NIOConcurrencyHelpers

/// Whether a request was meant for this server.
///
/// A page on the web can point its own name at this machine and have a browser speak to the server
/// behind it (DNS rebinding). A server on a loopback address therefore answers only to loopback
/// names and those that were configured, another one to those that were configured, if any were;
/// and wherever a browser says which page is asking, that page must be the server's own.
final class HostCheck: Sendable {
  private let isLoopback: Bool
  private let hosts: Set<String>
  private let origins: Set<String>
  /// The authority that was accepted last: clients name the same one again and again.
  private let accepted = NIOLockedValueBox("")

  /// - Parameters:
  ///   - address: The address that the server listens on.
  ///   - hosts: More names that it answers to.
  ///   - origins: Pages besides its own that may ask, such as `https://console.example`.
  init(address: String, hosts: [String], origins: [String]) {
    isLoopback = Self.isLoopback(address)
    self.hosts = Set(hosts.map { $0.lowercased() })
    self.origins = Set(origins.map { $0.lowercased() })
  }

  /// Refuses a request for another host, or from another site's page.
  ///
  /// - Parameter head: The request's head.
  /// - Throws: 403.
  func check(_ head: HTTPRequest) throws(Refusal) {
    if isLoopback || !hosts.isEmpty, let authority = head.authority,
      !accepted.withLockedValue({ Bytewise.equal($0, authority) })
    {
      guard isOwn(authority) else { throw Self.refused("The Host field names another server.") }
      accepted.withLockedValue { $0 = authority }
    }
    guard let origin = head.headerFields[.origin]?.lowercased() else { return }
    let page = origin.firstRange(of: "://").map { origin[$0.upperBound...] }
    let isOwnPage = page.map { Substring(head.authority?.lowercased() ?? "") == $0 } ?? false
    guard isOwnPage || origins.contains(origin) else {
      throw Self.refused("The request comes from another site's page.")
    }
  }

  private func isOwn(_ authority: String) -> Bool {
    let host = Self.host(of: authority).lowercased()
    return (isLoopback && Self.isLoopback(host)) || hosts.contains(host)
  }

  /// A host without its port, and an IPv6 address without its brackets.
  private static func host(of authority: String) -> Substring {
    if authority.utf8.first == UInt8(ascii: "[") {
      return authority.dropFirst().prefix { $0 != "]" }
    }
    return authority.prefix { $0 != ":" }
  }

  private static func isLoopback(_ host: some StringProtocol) -> Bool {
    host == "localhost" || host == "::1" || host.hasSuffix(".localhost") || isLoopbackV4(host)
  }

  private static func isLoopbackV4(_ host: some StringProtocol) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  private static func refused(_ message: String) -> Refusal {
    Refusal(
      StoreError(
        .forbidden, message,
        hint: "A name that the server is to answer to is given to serve as --allow-host."))
  }
}
