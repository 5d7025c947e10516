import Holdfast
import HoldfastCore

/// What `--store` names: a database that this process opens, or a server that it asks.
enum StoreURL: Sendable {
  /// A path, or a `postgres://` URL.
  case local(String)
  /// The address of a server: scheme, host and port, without a slash at its end.
  case server(String)

  /// Where a store is looked for when nobody says.
  static let folderDefault = "holdfast-data"
  private static let pathDefault = folderDefault + "/holdfast.db"

  /// What was named, or what holds where nothing was.
  ///
  /// - Parameter text: What `--store` gave.
  /// - Returns: The store.
  /// - Throws: `invalid` for an address that cannot be asked safely.
  static func named(_ text: String?) throws(StoreError) -> StoreURL {
    try StoreURL(text ?? Environment.variable("HOLDFAST_STORE") ?? pathDefault)
  }

  /// Reads a path or an address.
  ///
  /// - Parameter text: The text.
  /// - Throws: `invalid` for a server that would be spoken to in clear over a network, and for an
  ///   address with more in it than a host and a port.
  init(_ text: String) throws(StoreError) {
    let known = ["https://", "http://"]
    guard let scheme = known.first(where: { text.prefix($0.count).lowercased() == $0 }) else {
      self = .local(text)
      return
    }
    let isSecure = scheme == "https://"
    let rest = text.dropFirst(scheme.count)
    let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
    guard !authority.isEmpty, !authority.contains(where: { "/?#@ \\".contains($0) }) else {
      throw StoreError(
        .invalid, "The address of a server is a scheme, a host and a port.",
        hint: "Write it like https://holdfast.example:7420, and give the token in HOLDFAST_TOKEN.")
    }
    guard isSecure || Self.isLoopback(authority: authority) else {
      throw StoreError(
        .invalid, "A token is not sent in clear over a network.",
        hint: "Use https://, or http:// for a server on this machine.")
    }
    self = .server(scheme + authority)
  }

  /// Whether the host of `host:port` is this machine.
  private static func isLoopback(authority: Substring) -> Bool {
    guard authority.hasPrefix("[") else { return isLoopback(authority.prefix { $0 != ":" }) }
    return authority == "[::1]" || authority.hasPrefix("[::1]:")
  }

  /// Whether a host is this machine, so that what is said to it goes over no network.
  ///
  /// - Parameter host: A name, or an address without brackets.
  /// - Returns: Whether it is; a name that only begins so is not.
  static func isLoopback(_ host: some StringProtocol) -> Bool {
    if host == "::1" || host.lowercased() == "localhost" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
