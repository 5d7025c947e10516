import Testing

@Suite struct ImportTests {
  /// Goal: full Foundation comes in nowhere, in whatever form it is imported.
  ///
  /// Method: each form of an import, in a module that may have FoundationEssentials.
  @Test(arguments: [
    "import Foundation", "package import Foundation", "@preconcurrency import Foundation",
    "import struct Foundation.Date", "#if canImport(Foundation)\n  import Foundation\n#endif",
  ])
  func `full Foundation is found`(_ text: String) {
    let found = Rule.imports.finds(in: text, at: "Sources/HoldfastCore/A.swift")

    #expect(found.count == 1)
    #expect(found.first?.hasSuffix("FoundationEssentials where it must be") == true)
    #expect(Rule.imports.finds(in: text, at: "Tests/A/B.swift").isEmpty)
  }

  /// Goal: dependencies point downwards only.
  ///
  /// Method: imports upwards and sideways fail; the same module from above passes.
  @Test func `an import against the layers is found`() {
    #expect(
      Rule.imports.finds(in: "import HoldfastEngine", at: "Sources/HoldfastCore/A.swift") == [
        "Sources/HoldfastCore/A.swift:1: HoldfastCore imports HoldfastEngine, "
          + "use what its layer may import: Crypto, FoundationEssentials"
      ])
    #expect(Rule.imports.finds(in: "import CSQLite", at: "Sources/Holdfast/A.swift").count == 1)
    #expect(
      Rule.imports.finds(in: "import Holdfast", at: "Sources/HoldfastEngine/A.swift").count == 1)
    #expect(Rule.imports.finds(in: "import HoldfastEngine").isEmpty)
    #expect(Rule.imports.finds(in: "import CSQLite", at: "Sources/HoldfastEngine/A.swift").isEmpty)
  }

  /// Goal: locks, the C library and the standard library are for every module.
  ///
  /// Method: all of them in the lowest module.
  @Test func `what every module may import passes`() {
    let text = """
      #if canImport(Glibc)
        import Glibc
      #elseif canImport(Musl)
        import Musl
      #endif
      package import NIOConcurrencyHelpers
      import Synchronization
      """

    #expect(Rule.imports.finds(in: text, at: "Sources/HoldfastCore/A.swift").isEmpty)
  }

  /// Goal: a new module gets its row before it gets its code.
  ///
  /// Method: an import in a module that the table does not have.
  @Test func `a module without a row is found`() {
    #expect(
      Rule.imports.finds(in: "import Glibc", at: "Sources/Novel/A.swift") == [
        "Sources/Novel/A.swift:1: the module Novel has no row in the table of imports, "
          + "use a row in Rules/Imports.swift"
      ])
  }

  /// Goal: only imports count.
  ///
  /// Method: the word as a member, in text and inside a body.
  @Test func `the word alone is no import`() {
    let text = "let a = store.import\n\"import Foundation\"\n// import Foundation\nlet b = 1"

    #expect(Rule.imports.finds(in: text).isEmpty)
  }
}
