import Testing

@Suite struct DocumentTests {
  private let source = """
    enum Kind { case fenced
      case notFound = "not_found" }
    var status: Int { switch kind { case .fenced: 409
      case .notFound: 404 } }
    var exitCode: Int32 { switch kind { case .fenced, .other: 75
      case .notFound: 66 } }
    var title: String { switch kind { case .fenced: "Lost"
      case .notFound: "Not found" } }
    """
  private let sourcePath = "Sources/HoldfastCore/Errors/StoreErrorCode.swift"
  private let folder = "Documentation/errors/"

  private var whole: [String: String] {
    [
      sourcePath: source,
      folder + "README.md": "[fenced](fenced.md) [not_found](not_found.md)",
      folder + "fenced.md": "# fenced: Lost\n**HTTP status:** 409\n**Exit code:** 75",
      folder + "not_found.md": "# not_found: Not found\n**HTTP status:** 404\n**Exit code:** 66",
    ]
  }

  /// Goal: every code has its page, the page agrees with the program, and the index lists it.
  ///
  /// Method: whole documentation passes; then one thing after the other is taken away or changed.
  @Test func `a code without its page is found`() {
    #expect(Rule.errorPages.finds(in: whole).isEmpty)

    var missing = whole
    missing[folder + "not_found.md"] = nil
    #expect(
      Rule.errorPages.finds(in: missing) == [
        "\(sourcePath):2: the code not_found has no page, use \(folder)not_found.md"
      ])

    var wrong = whole
    wrong[folder + "fenced.md"] = "# fenced: Lost\n**HTTP status:** 410\n**Exit code:** 75"
    #expect(
      Rule.errorPages.finds(in: wrong) == [
        "\(folder)fenced.md:1: the page does not say what the program does, "
          + "use the line `**HTTP status:** 409`"
      ])

    var unlisted = whole
    unlisted[folder + "README.md"] = "[fenced](fenced.md)"
    #expect(Rule.errorPages.finds(in: unlisted).count == 1)

    var stray = whole
    stray[folder + "gone.md"] = "# gone"
    #expect(
      Rule.errorPages.finds(in: stray) == [
        "\(folder)gone.md:1: a page of no error code, use a code's name"
      ])
  }

  /// Goal: a link that leads nowhere is found.
  ///
  /// Method: links to files, folders, headings and addresses, from two depths.
  @Test func `a dead link is found`() {
    let files = [
      "README.md": "[a](Documentation/a.md) [b](Documentation/) [c](#here) [d](https://a.b/c)",
      "Documentation/a.md": "text\n[r](../README.md#top) [x](b.md) ![p](p.png)\n```\n[y](z)\n```",
    ]

    #expect(
      Rule.documentLinks.finds(in: files) == [
        "Documentation/a.md:2: a link to Documentation/b.md, which is not there, "
          + "use the path of a file"
      ])
  }
}
