import HTTPTypes
import HoldfastCore
import NIOConcurrencyHelpers

extension HTTPField.Name {
  /// A field of a name that is written in this package.
  ///
  /// - Parameter name: The name.
  /// - Returns: The field.
  static func of(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else {
      preconditionFailure("\(name) is no name of a header field")
    }
    return field
  }
}

/// Numbers requests, so that their log lines are found.
final class RequestNumbers: Sendable {
  /// The header field that carries a number.
  static let field = HTTPField.Name.of("X-Request-ID")

  /// What tells this process from others.
  private let prefix: String
  private let last = NIOLockedValueBox<UInt64>(0)

  init(_ ids: any IDSource) {
    prefix = String(ids.random(in: 0...(1 << 40)), radix: 36) + "-"
  }

  /// The number that the client gave, or a new one.
  ///
  /// - Parameter headers: The request's header fields.
  /// - Returns: The number.
  func number(_ headers: HTTPFields) -> String {
    if let given = headers[Self.field], Self.isFit(given) { return given }
    let number = last.withLockedValue { last in
      last += 1
      return last
    }
    return prefix + String(number, radix: 36)
  }

  /// Printable and short, so that it cannot forge a line in a log.
  private static func isFit(_ id: String) -> Bool {
    (1...128).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}
