import Testing

@Suite struct UnusedSourceTests {
  private let path = "Sources/Holdfast/Lonely.swift"

  private func finds(_ lonely: String, beside other: String = "let a = 1") -> [String] {
    Rule.unusedSources.finds(in: [path: lonely, "Sources/Holdfast/main.swift": other])
  }

  /// Goal: a file that nothing refers to is found.
  ///
  /// Method: a type, a function, an extension and an empty file, named nowhere else or only in
  /// text.
  @Test(arguments: [
    "struct Lonely { let lonely: Lonely }", "package func lonely() {}", "let lonely = 1",
    "extension String { func lonely() {} }", "// Nothing.", "",
  ])
  func `a source that nothing refers to is found`(_ text: String) {
    #expect(
      finds(text) == ["\(path):1: nothing refers to what this file declares, use it, or remove it"])
    #expect(finds(text, beside: "// Lonely lonely\n\"Lonely lonely\"").count == 1)
  }

  /// Goal: one name that is used is enough.
  ///
  /// Method: the same declarations, each named by another file.
  @Test(arguments: [
    "struct Lonely {}\nstruct Other {}", "package func lonely() {}",
    "extension String { func lonely() {} }",
  ])
  func `a source that is referred to passes`(_ text: String) {
    #expect(finds(text, beside: "Lonely(); lonely()").isEmpty)
  }

  /// Goal: what has its use without being named passes.
  ///
  /// Method: public declarations, a program's entry, and a conformance.
  @Test(arguments: [
    "public struct Lonely {}", "@main struct Lonely {}", "extension String: Lonely {}",
    "@_exported import HoldfastCore",
  ])
  func `a source with a use of its own passes`(_ text: String) {
    #expect(finds(text).isEmpty)
  }

  /// Goal: tests and benchmarks are not named, for the test runner finds them.
  ///
  /// Method: a test that nothing refers to.
  @Test func `a test need not be referred to`() {
    #expect(Rule.unusedSources.finds(in: "struct Lonely {}", at: "Tests/A/B.swift").isEmpty)
  }
}
