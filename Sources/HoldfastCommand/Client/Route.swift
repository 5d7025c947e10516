/// The target of a request: segments and a query, percent-encoded once.
struct Route: Sendable {
  /// The path with its query, as it goes over the wire.
  private(set) var target = "/v1"
  private var hasQuery = false

  /// Puts a path together.
  ///
  /// - Parameter segments: What stands between the slashes, not encoded.
  init(_ segments: String...) {
    for segment in segments { target += "/" + Self.encoded(segment) }
  }

  /// Adds a parameter to the query.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - value: Its value; `nil` leaves it out.
  /// - Returns: The route with it.
  func with(_ name: String, _ value: String?) -> Route {
    guard let value else { return self }
    var route = self
    route.target += (hasQuery ? "&" : "?") + name + "=" + Self.encoded(value)
    route.hasQuery = true
    return route
  }

  /// Adds a parameter that is true or left out.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - flag: Whether it is true.
  /// - Returns: The route with it.
  func with(_ name: String, _ flag: Bool) -> Route { with(name, flag ? "true" : nil) }

  /// Adds a parameter that is a number.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - number: The number; `nil` leaves it out.
  /// - Returns: The route with it.
  func with(_ name: String, _ number: Int?) -> Route { with(name, number.map(String.init)) }

  /// Escapes all but what never needs it; a segment of dots too, which some drop from a path.
  private static func encoded(_ text: String) -> String {
    let isDots = text == "." || text == ".."
    var result: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: ":"):
        result.append(byte)
      case UInt8(ascii: ".") where !isDots: result.append(byte)
      default:
        let digits = Array("0123456789ABCDEF".utf8)
        result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
