import Testing

@Suite struct DeclarationTests {
  private func declarations(_ text: String) -> [Declaration] {
    SourceFile(path: "A.swift", text: text).declarations
  }

  /// Goal: every form of declaration is found, and nothing that only looks like one.
  ///
  /// Method: declarations beside labels, members and arguments that are spelled like keywords.
  @Test func `declarations are told from look-alikes`() {
    let found = declarations(
      """
      import struct Other.Name
      struct A<T: B>: C where T: D {
        static func == (left: A, right: A) -> Bool { left.class == right.init() }
        class func make(struct: Int, for protocol: Int) -> Int { switch struct { case .a: 1 } }
        subscript(_ index: Int) -> Int { index }
        init?(case: Int = { 1 }()) {}
        var plain = 1, computed: Int { 2 }
      }
      enum E { indirect case one(E), two }
      actor F {}
      extension A.B: Sendable {}
      """)

    #expect(
      found.map { "\($0.keyword) \($0.name)" } == [
        "struct A", "func ==", "func make", "subscript subscript", "init init", "var plain",
        "enum E", "case one", "actor F", "extension A.B",
      ])
    #expect(found.filter(\.inherits).map(\.name) == ["A", "A.B"])
  }

  /// Goal: a body begins and ends at the right braces.
  ///
  /// Method: closures in default arguments, requirements without a body, and nested functions.
  @Test func `a body ends at its own brace`() {
    let found = declarations(
      """
      protocol P {
        func without() async throws(E) -> Int
        var value: Int { get }
      }
      func outer(
        _ body: () -> Int = { 1 }
      ) -> Int {
        func inner() {
          if true { "}" }
        }
        let plain: Int
        do { plain = 1 }
        var late: Int
        run { 2 }
        return 3
      }
      """)
    let ends = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.lastLine) })

    #expect(ends["P"] == 4)
    #expect(ends["without"] == .some(nil))
    #expect(ends["value"] == 3)
    #expect(ends["outer"] == 16)
    #expect(ends["inner"] == 10)
    #expect(ends["plain"] == .some(nil))
    #expect(ends["late"] == .some(nil))
  }

  /// Goal: a comment belongs to the declaration under it, through attributes and modifiers.
  ///
  /// Method: documentation above and between attributes, and a comment that ends another line.
  @Test func `documentation is found above attributes`() {
    let found = declarations(
      """
      /// Documented.
      @available(*, deprecated, message: "no (") @inlinable  // Until the next version.
      // swift-format-ignore
      nonisolated(unsafe) public private(set) static var a: Int { 1 }
      let b = 1  // Not of c.
      let c = 2
      """)

    #expect(found.map(\.isDocumented) == [true, false, false])
    #expect(found[0].modifiers == ["nonisolated(unsafe)", "public", "private(set)", "static"])
    #expect(found[2].comments.isEmpty)
  }
}
