import HoldfastCore

/// An answer as it came over the wire.
struct Answer: Sendable {
  let status: Int
  /// The header fields by their names in lower case.
  let headers: [String: String]
  let text: String

  /// Reads an answer whose connection was closed after it.
  init(_ raw: String) {
    let end = raw.firstRange(of: "\r\n\r\n")
    let head = end.map { raw[..<$0.lowerBound] } ?? raw[...]
    let lines = head.split(separator: "\r\n")
    status = lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let pair = line.split(separator: ":", maxSplits: 1)
      guard pair.count == 2 else { continue }
      headers[pair[0].lowercased()] = String(pair[1].drop { $0 == " " })
    }
    self.headers = headers
    text = end.map { String(raw[$0.upperBound...]) } ?? ""
  }

  /// The body; null where it is no JSON.
  var body: Value { (try? Value(json: text)) ?? .null }
  /// The code of a problem document.
  var code: String? { body["code"]?.stringValue }
  /// The `details` of a problem document.
  var details: Value { body["details"] ?? .null }
  /// The version that the entity tag says.
  var version: Int64? { headers["etag"].flatMap { Int64($0.filter { $0 != "\"" }) } }
}
