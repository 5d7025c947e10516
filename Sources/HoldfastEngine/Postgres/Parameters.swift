import HoldfastCore

/// Turns bound values into the arrays that libpq takes, in storage that is used again and again.
///
/// Numbers and texts go in text form, ended by a NUL; bytes go as they are.
struct Parameters {
  private var bytes: [CChar] = []
  private var starts: [Int] = []
  private var values: [UnsafePointer<CChar>?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  /// Storage above this is given back after use: one large value must not stay for ever.
  private static let keptBytesMax = 64 << 10

  /// Lends the arrays for the time of a call.
  ///
  /// - Parameters:
  ///   - bindings: The values.
  ///   - body: Takes their number, values, lengths and formats.
  /// - Returns: What the body returned.
  mutating func withPointers<Result>(
    to bindings: [Bound],
    _ body: (
      Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) -> Result
  ) -> Result {
    guard !bindings.isEmpty else { return body(0, nil, nil, nil) }
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptBytesMax)
    starts.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    formats.removeAll(keepingCapacity: true)
    for binding in bindings { append(binding) }
    return bytes.withUnsafeBufferPointer { bytes in
      values.removeAll(keepingCapacity: true)
      for start in starts { values.append(start < 0 ? nil : bytes.baseAddress.map { $0 + start }) }
      return body(Int32(bindings.count), values, lengths, formats)
    }
  }

  private mutating func append(_ binding: Bound) {
    starts.append(bytes.count)
    formats.append(0)
    switch binding {
    case .null:
      starts[starts.count - 1] = -1
      lengths.append(0)
    case .integer(let number): append(text: String(number))
    case .text(let text): append(text: text)
    case .blob(let blob):
      formats[formats.count - 1] = 1
      lengths.append(Int32(clamping: blob.count))
      blob.withUnsafeBytes { bytes.append(contentsOf: $0.bindMemory(to: CChar.self)) }
      // Not part of the value: an empty one still needs an address that is not NULL.
      bytes.append(0)
    }
  }

  private mutating func append(text: String) {
    var text = text
    let count = text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { bytes.append(contentsOf: $0) }
      return utf8.count
    }
    bytes.append(0)
    lengths.append(Int32(clamping: count))
  }
}

extension Step {
  /// Refuses what the wire would cut off or the server would not take: the text form of a parameter
  /// ends at its first NUL.
  ///
  /// - Throws: `invalid` for a text that holds a NUL, `internal` for a wrong number of values.
  func checkForPostgres() throws(StoreError) {
    try statement.check(bindings)
    for case .text(var text) in bindings
    where text.withUTF8({ utf8 in utf8.baseAddress.map { memchr($0, 0, utf8.count) != nil } ?? false
    }) {
      throw StoreError(
        .invalid, "A text holds a NUL character.", hint: "Remove the NUL from the text.")
    }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
