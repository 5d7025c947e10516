import Testing

@Suite struct LexerTests {
  private func words(_ text: String) -> [String] {
    SourceFile(path: "A.swift", text: text).code.filter { $0.kind == .word }.map(\.text)
  }

  /// Goal: text is never taken for code.
  ///
  /// Method: each kind of literal and comment holds the word `hidden`; only what stands around it
  /// may come out.
  @Test(arguments: [
    ##"before "hidden" after"##,
    ##"before "hidden \" hidden" after"##,
    ###"before #"hidden " \(hidden) hidden"# after"###,
    ###"before ##"hidden "# hidden"## after"###,
    "before \"\"\"\n  hidden \" \"\" hidden\n  { hidden\n  \"\"\" after",
    "before #\"\"\"\n  hidden \"\"\" hidden\n  \"\"\"# after",
    "before // hidden\nafter",
    "before /* hidden /* hidden */ hidden */ after",
    "before(/hidden{2}/) after",
    "before #/hidden / hidden/# after",
    "#!/usr/bin/hidden\nbefore after",
  ])
  func `text is not code`(_ text: String) {
    #expect(words(text) == ["before", "after"])
  }

  /// Goal: what stands in an interpolation is code, and the string goes on behind it.
  ///
  /// Method: a string with nested parentheses and a nested string in its interpolation.
  @Test func `an interpolation is code`() {
    #expect(words(#"a "text \(b(c("text)"), d)) text" e"#) == ["a", "b", "c", "d", "e"])
    #expect(words(##"a #"text \(no) \#(b) text"# c"##) == ["a", "b", "c"])
  }

  /// Goal: a division is not the begin of a regular expression.
  ///
  /// Method: two divisions in one line, and the operator as a value.
  @Test func `a division is code`() {
    #expect(words("a / b / c") == ["a", "b", "c"])
    #expect(words("a(b/c, d/e)") == ["a", "b", "c", "d", "e"])
    #expect(words("fold(1, /) + b / c") == ["fold", "b", "c"])
  }

  /// Goal: a name in backticks is never a keyword.
  ///
  /// Method: a keyword and a sentence in backticks.
  @Test func `a quoted name is no keyword`() {
    let tokens = SourceFile(path: "A.swift", text: "func `a struct { of its own`() {}").code

    #expect(tokens[1].kind == .quotedWord)
    #expect(tokens[1].text == "a struct { of its own")
    #expect(tokens.filter { $0.isCode("{") }.count == 1)
  }

  /// Goal: a violation is reported where it is.
  ///
  /// Method: tokens behind a multi-line string and a multi-line comment.
  @Test func `lines are counted through text`() {
    let text = "a\n\"\"\"\n  text\n  \"\"\"\n/* one\n two */ b\nc"
    let tokens = SourceFile(path: "A.swift", text: text).tokens

    #expect(tokens.map(\.line) == [1, 2, 5, 6, 7])
    #expect(tokens.map(\.lastLine) == [1, 4, 6, 6, 7])
    #expect(tokens.map(\.isFirstOnLine) == [true, true, true, false, true])
  }

  /// Goal: broken source ends the reading and nothing else.
  ///
  /// Method: every literal and comment without its end.
  @Test(arguments: ["\"", "\"\"\"", "#\"", "/*", "`", "\"\\(", "\"\\", "#/", "}", ")", "", "#"])
  func `broken source is read to its end`(_ text: String) {
    #expect(SourceFile(path: "A.swift", text: "a " + text).code.first?.text == "a")
  }
}
