extension Checks {
  /// Checks where a file shall lie: files belong to nobody, to a run or to a bot.
  ///
  /// - Parameters:
  ///   - namespace: `global`, `run:ID` or `bot:ID`; nothing below them.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func fileNamespace(
    _ namespace: Namespace, _ limits: Limits
  ) throws(StoreError) {
    try namespace.check(limits)
    let isOwned = namespace.runID != nil || namespace.botID != nil
    guard namespace == .global || (isOwned && namespace.segments.count == 2) else {
      throw failure(
        .place, "Files lie in the namespace global, of a run or of a bot.",
        hint: "Use global, run:ID or bot:ID.")
    }
  }

  /// Checks a file's name, which must be one segment of a path on every system.
  ///
  /// - Parameters:
  ///   - name: The name: 1 to 255 bytes, not `.` or `..`, no slash, backslash or NUL.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func fileName(_ name: String, _ limits: Limits) throws(StoreError) {
    try self.name(name, "file name", bytesMax: limits.fileNameBytesMax)
    guard !Bytewise.equal(name, "."), !Bytewise.equal(name, "..") else {
      throw failure(
        .dots, "A file name cannot be . or .., which mean a folder.", hint: "Choose another one.")
    }
    guard !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
    else {
      throw failure(
        .slash, "A file name holds no slash and no backslash.",
        hint: "Choose a name without them; there are no folders.")
    }
  }

  /// Checks a media type, which goes into a header field as it is.
  ///
  /// - Parameters:
  ///   - mediaType: Such as `text/plain`: 1 to 255 printable ASCII characters.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func mediaType(_ mediaType: String, _ limits: Limits) throws(StoreError) {
    try name(mediaType, "media type", bytesMax: limits.fileNameBytesMax)
    guard mediaType.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw failure(
        .syntax, "A media type is written in printable ASCII characters.",
        hint: "Write it like text/plain; charset=utf-8.")
    }
  }
}
