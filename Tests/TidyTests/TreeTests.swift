import Testing

extension Rule: CustomTestStringConvertible {
  var testDescription: String { sentence }
}

@Suite struct TreeTests {
  /// Goal: the whole repository keeps every rule.
  ///
  /// Method: each rule reads all files; what it finds is named by file and line.
  @Test(arguments: Rule.all)
  func `the repository keeps the rule`(_ rule: Rule) {
    for violation in rule.violations(in: Repository.files) {
      Issue.record(Comment(rawValue: violation.description))
    }
  }

  /// Goal: no rule passes because nothing was read.
  ///
  /// Method: files of each kind must be among those that were found, and nothing that was built.
  @Test func `the repository was found`() {
    let paths = Set(Repository.files.map(\.path))

    #expect(paths.contains("Package.swift"))
    #expect(paths.contains("Makefile"))
    #expect(paths.contains(".ci/run"))
    #expect(paths.contains("Scripts/setup"))
    #expect(paths.contains("Sources/HoldfastCore/Errors/StoreErrorCode.swift"))
    #expect(paths.contains("Sources/CSchema/schema.c"))
    #expect(paths.contains("Tests/TidyTests/TreeTests.swift"))
    #expect(!paths.contains { $0.contains(".build") })
  }
}
