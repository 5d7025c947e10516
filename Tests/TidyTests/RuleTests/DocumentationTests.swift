import Testing

@Suite struct DocumentationTests {
  /// Goal: no public declaration of any kind stays undocumented.
  ///
  /// Method: each kind without a comment fails; with one above it and its attributes it passes.
  @Test(arguments: [
    "public func f() {}", "public init() {}", "public var a: Int { 1 }", "public let a = 1",
    "public struct A {}", "public enum A {}", "open class A {}", "public actor A {}",
    "public protocol A {}", "public typealias A = Int", "public subscript(a: Int) -> Int { a }",
    "public static let a = 1", "static public func f() {}", "@inlinable public func f() {}",
    "@available(*, deprecated)\npublic func f() {}", "public private(set) var a = 1",
    "public final class A {}", "public override func f() {}", "public class func f() {}",
    "extension A { public func f() {} }", "struct A { public let b: Int }",
  ])
  func `a public declaration without documentation is found`(_ text: String) {
    let documented =
      text.hasPrefix("extension") || text.hasPrefix("struct")
      ? text.replacing("{ ", with: "{\n/// Documented.\n", maxReplacements: 1)
      : "/// Documented.\n" + text

    #expect(Rule.documentation.finds(in: text).count == 1)
    #expect(Rule.documentation.finds(in: "// Not documentation.\n" + text).count == 1)
    #expect(Rule.documentation.finds(in: documented).isEmpty)
    #expect(Rule.documentation.finds(in: text, at: "Tests/A/B.swift").isEmpty)
  }

  /// Goal: what is public without the word is documented as well.
  ///
  /// Method: requirements of a public protocol, cases of a public enumeration and members of a
  /// public extension; the same in types that are not public pass.
  @Test(arguments: [
    ("protocol A {", "func f()"), ("protocol A {", "var a: Int { get }"),
    ("protocol A {", "associatedtype B"), ("protocol A {", "init(a: Int)"),
    ("enum A {", "case b"), ("enum A {", "indirect case b(A)"),
    ("extension A {", "func f() {}"), ("extension A {", "static var a: Int { 1 }"),
  ])
  func `a member that is public by its type is found`(_ head: String, member: String) {
    let bare = "\(head)\n  \(member)\n}"
    let documented = "\(head)\n  /// Documented.\n  \(member)\n}"

    #expect(Rule.documentation.finds(in: "/// D.\npublic " + bare).count == 1)
    #expect(Rule.documentation.finds(in: "/// D.\npublic " + documented).isEmpty)
    #expect(Rule.documentation.finds(in: "package " + bare).isEmpty)
    #expect(Rule.documentation.finds(in: bare).isEmpty)
  }

  /// Goal: the message says which declaration it is.
  ///
  /// Method: a member of a documented type.
  @Test func `a violation names the declaration`() {
    #expect(
      Rule.documentation.finds(in: "/// D.\npublic struct A {\n  public var b = 1\n}") == [
        "Sources/Holdfast/Sample.swift:3: `var b` is public and not documented, "
          + "use a `///` comment that begins with a summary line"
      ])
  }

  /// Goal: what users do not see needs no comment by this rule.
  ///
  /// Method: local and internal declarations, cases of a switch, imports and lower access in a
  /// public extension.
  @Test(arguments: [
    "public import A", "func f() { let a = 1 }", "package struct A { let b = 1 }",
    "public extension A { private func f() {} }",
    "/// D.\npublic enum A {\n/// D.\ncase b\nfunc f() { switch self { case .b: 1 } } }",
    "let a = A(public: 1)", "// public func f()", "\"public func f()\"",
  ])
  func `what users do not see passes`(_ text: String) {
    #expect(Rule.documentation.finds(in: text).isEmpty)
  }
}
