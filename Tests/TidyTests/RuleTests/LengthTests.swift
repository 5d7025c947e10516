import Testing

@Suite struct LengthTests {
  /// Goal: a file of 500 lines passes and one more fails, whatever its language.
  ///
  /// Method: both lengths in Swift, C, SQL and a script; a document may be longer.
  @Test(arguments: ["Sources/A/B.swift", "Sources/C/c.c", "Sources/C/1.sql", "Scripts/test"])
  func `a long file is found`(_ path: String) {
    #expect(Rule.fileLength.finds(in: lines(500), at: path).isEmpty)
    #expect(
      Rule.fileLength.finds(in: lines(501), at: path) == [
        "\(path):501: a file of 501 lines, use several files of one idea each"
      ])
    #expect(Rule.fileLength.finds(in: lines(501), at: "CHANGELOG.md").isEmpty)
  }

  /// Goal: the last line counts whether or not a line end follows it.
  ///
  /// Method: 501 lines without the last end.
  @Test func `a line without its end counts`() {
    #expect(Rule.fileLength.finds(in: lines(500) + "last").count == 1)
  }

  /// Goal: the README stays one page.
  ///
  /// Method: 120 lines and 121; another document may be longer.
  @Test func `a long README is found`() {
    #expect(Rule.readmeLength.finds(in: lines(120), at: "README.md").isEmpty)
    #expect(
      Rule.readmeLength.finds(in: lines(121), at: "README.md") == [
        "README.md:121: a README of 121 lines, use a link to a page of its own"
      ])
    #expect(Rule.readmeLength.finds(in: lines(121), at: "ARCHITECTURE.md").isEmpty)
  }

  /// Goal: a function of 70 lines passes and one more fails, in every form.
  ///
  /// Method: the same body in a function, an initializer, a subscript and a computed property; text
  /// with braces in it must not end the body early.
  @Test(arguments: [
    ("func grow()", "grow"), ("init()", "init"), ("subscript(a: Int) -> Int", "subscript"),
    ("var size: Int", "size"), ("deinit", "deinit"),
  ])
  func `a long function is found`(_ head: String, name: String) {
    func source(_ count: Int) -> String {
      "struct A {\n  \(head) {\n" + lines(count - 3, of: "    run { \"}\" }")
        + "    /* } */\n  }\n}\n"
    }

    #expect(Rule.functionLength.finds(in: source(70)).isEmpty)
    #expect(
      Rule.functionLength.finds(in: source(71)) == [
        "Sources/Holdfast/Sample.swift:2: `\(name)` has 71 lines, "
          + "use smaller functions that each do one thing"
      ])
  }

  /// Goal: closures and nested functions are part of their function.
  ///
  /// Method: a function that is long only because of what is nested in it.
  @Test func `what is nested counts`() {
    let inner = "  func inner() {\n" + lines(40) + "  }\n"
    let closure = "  run {\n" + lines(40) + "  }\n"

    #expect(Rule.functionLength.finds(in: inner + closure).isEmpty)
    #expect(Rule.functionLength.finds(in: "func outer() {\n" + inner + closure + "}").count == 1)
  }

  /// Goal: what is long but no function passes.
  ///
  /// Method: a long type, a long text outside functions, and a stored closure's property.
  @Test func `a long type is no function`() {
    #expect(Rule.functionLength.finds(in: "struct A {\n" + lines(100) + "}").isEmpty)
    #expect(
      Rule.functionLength.finds(in: "let sql = \"\"\"\n" + lines(100, of: "  {") + "  \"\"\"")
        .isEmpty)
  }

  /// Goal: a line of 100 columns passes and one more fails; columns are characters.
  ///
  /// Method: both widths, wide characters, and an address in a comment and in code.
  @Test func `a wide line is found`() {
    let address = "https://example.org/" + String(repeating: "a", count: 100)

    #expect(Rule.lineWidth.finds(in: String(repeating: "a", count: 100) + "\n").isEmpty)
    #expect(Rule.lineWidth.finds(in: String(repeating: "é", count: 100)).isEmpty)
    #expect(
      Rule.lineWidth.finds(in: "\n" + String(repeating: "a", count: 101)) == [
        "Sources/Holdfast/Sample.swift:2: a line of 101 columns, use at most 100"
      ])
    #expect(Rule.lineWidth.finds(in: "  // See \(address)").isEmpty)
    #expect(Rule.lineWidth.finds(in: "let a = \"\(address)\"").count == 1)
    #expect(Rule.lineWidth.finds(in: String(repeating: "a", count: 101), at: "a.md").isEmpty)
  }
}
