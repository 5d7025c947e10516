import Testing

@Suite struct EveryWriteListTests {
  /// Goal: no operation that writes is left out where all of them are tried with a key that makes
  /// them repeatable.
  ///
  /// Method: each public function of the library that takes the settings of a write, under the name
  /// that the list must have for it.
  @Test func `every write is in the list of writes`() throws {
    let list = try #require(Repository.files.first { $0.path.hasSuffix("/EveryWrite.swift") })
    let text = String(decoding: list.bytes, as: UTF8.self)
    var count = 0
    for file in Repository.files where file.path.hasPrefix("Sources/Holdfast/") {
      for name in file.writes {
        count += 1
        let isTried = ["\"", " ", ","].contains { text.contains("\"\(name)\($0)") }
        #expect(isTried, "\(name) in \(file.path)")
      }
    }
    #expect(count > 50)
  }
}

extension SourceFile {
  /// The public functions that take the settings of a write, such as `runs.begin`.
  fileprivate var writes: [String] {
    declarations.compactMap { declaration -> String? in
      guard declaration.keyword == "func", declaration.modifiers.contains("public"),
        case .member(of: let owner) = declaration.place
      else { return nil }
      let head = bytes[declaration.offset...].prefix { $0 != UInt8(ascii: "{") }
      guard String(decoding: head, as: UTF8.self).contains("with settings: WriteSettings") else {
        return nil
      }
      let type = declarations[owner].name
      let noun = type == "KeyValue" ? "kv" : type.prefix(1).lowercased() + type.dropFirst()
      return "\(noun).\(declaration.name)"
    }
  }
}
