/// The written form of namespaces and of patterns over them.
enum NamespaceText {
  /// Why a namespace was refused; the raw value is the `reason` in the error's details.
  enum Reason: String, CaseIterable {
    case empty
    case emptySegment = "empty_segment"
    case escape
    case nul
    case tooLong = "too_long"
    case tooManySegments = "too_many_segments"
    case reserved
    case wildcard
  }

  /// Writes segments with colons between them.
  static func write(_ segments: [String]) -> String {
    var text: [UInt8] = []
    for (place, segment) in segments.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ":")) }
      for byte in segment.utf8 {
        if isEscaped(byte) { text.append(UInt8(ascii: "\\")) }
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads segments, undoing the escapes; looks at nothing else.
  static func read(_ text: String) throws(StoreError) -> [String] {
    if !text.utf8.contains(where: isEscaped) { return [text] }
    var segments: [String] = []
    var segment: [UInt8] = []
    var escaping = false
    for byte in text.utf8 {
      if escaping {
        guard isEscaped(byte) else { throw failure(.escape) }
        segment.append(byte)
        escaping = false
      } else if byte == UInt8(ascii: "\\") {
        escaping = true
      } else if byte == UInt8(ascii: ":") {
        segments.append(String(decoding: segment, as: UTF8.self))
        segment.removeAll(keepingCapacity: true)
      } else {
        segment.append(byte)
      }
    }
    guard !escaping else { throw failure(.escape) }
    segments.append(String(decoding: segment, as: UTF8.self))
    return segments
  }

  private static func isEscaped(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ":") || byte == UInt8(ascii: "\\")
  }

  /// Checks what namespaces and patterns have in common.
  static func check(_ segments: [String], text: String, _ limits: Limits) throws(StoreError) {
    guard !text.isEmpty else { throw failure(.empty) }
    guard segments.allSatisfy({ !$0.isEmpty }) else { throw failure(.emptySegment) }
    guard !text.utf8.contains(0) else { throw failure(.nul) }
    guard text.utf8.count <= limits.namespaceBytesMax else {
      throw failure(.tooLong, limit: limits.namespaceBytesMax)
    }
    guard segments.count <= limits.namespaceSegmentsMax else {
      throw failure(.tooManySegments, limit: limits.namespaceSegmentsMax)
    }
  }

  static func failure(_ reason: Reason, limit: Int? = nil) -> StoreError {
    var details: Object = ["reason": .string(reason.rawValue)]
    if let limit { details["limit"] = .integer(Int64(limit)) }
    return StoreError(.invalid, sentence(reason, limit ?? 0), hint: hint(reason), details: details)
  }

  private static func sentence(_ reason: Reason, _ limit: Int) -> String {
    switch reason {
    case .empty: "A namespace cannot be empty."
    case .emptySegment: "A segment of a namespace cannot be empty."
    case .escape: "A backslash in a namespace stands before a colon or a backslash only."
    case .nul: "A namespace cannot hold the character NUL."
    case .tooLong: "A namespace is at most \(limit) bytes long."
    case .tooManySegments: "A namespace has at most \(limit) segments."
    case .reserved: "Namespaces that begin with _holdfast are the store's own."
    case .wildcard: "In a pattern * and ** are a whole segment, and the last one."
    }
  }

  private static func hint(_ reason: Reason) -> String {
    switch reason {
    case .empty: "Name at least one segment, such as global."
    case .emptySegment: "Put exactly one colon between two segments, and none at either end."
    case .escape: #"Write a colon inside a segment as \: and a backslash as \\."#
    case .nul: "Leave the character NUL out."
    case .tooLong, .tooManySegments: "Choose a shorter name."
    case .reserved: "Choose another first segment."
    case .wildcard: "Put the wildcard last, as in run:*, or name every segment in full."
    }
  }
}
