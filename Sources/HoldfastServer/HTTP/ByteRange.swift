import HTTPTypes

/// What a request's Range asks of a representation (RFC 9110 §14).
enum ByteRange: Equatable {
  /// All of it: nothing else was asked for, or not in a way that is understood.
  case whole
  case part(Range<Int>)
  /// Nothing of what was asked for is there.
  case beyond

  /// Reads the header fields.
  ///
  /// Several ranges in one request are answered with the whole, as the RFC allows.
  ///
  /// - Parameters:
  ///   - headers: The request's header fields.
  ///   - size: How many bytes there are.
  ///   - tag: What stands in the representation's entity tag.
  init(_ headers: HTTPFields, size: Int, tag: String) {
    self = .whole
    // If-Range compares strongly: for anything but this very tag the whole is sent.
    if let condition = headers[.ifRange], condition != EntityTags.tag(tag) { return }
    guard let text = headers[.range], let ends = Self.ends(text) else { return }
    switch ends {
    case (nil, nil): return
    case (nil, .some(let last)):
      self = last == 0 || size == 0 ? .beyond : .part(max(0, size - last)..<size)
    case (.some(let first), let last):
      if let last, last < first { return }
      self = first >= size ? .beyond : .part(first..<min(last ?? size - 1, size - 1) + 1)
    }
  }

  /// The numbers of `bytes=1-5`, `bytes=1-` and `bytes=-5`; `nil` for anything else.
  private static func ends(_ text: String) -> (first: Int?, last: Int?)? {
    let unit = text.utf8.prefix(6)
    guard String(Substring(unit)).lowercased() == "bytes=" else { return nil }
    let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else { return nil }
    var numbers: [Int?] = []
    for end in ends {
      let digits = end.drop { $0 == " " }
      guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
      else { return nil }
      // What is past any number of bytes is past the end.
      numbers.append(digits.isEmpty ? Int?.none : Int(digits) ?? Int.max - 1)
    }
    return (numbers[0], numbers[1])
  }
}
