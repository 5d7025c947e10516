import Testing

@Suite struct CommentTests {
  private static let note = "TO" + "DO"

  /// Goal: no note of work left over stays in a source.
  ///
  /// Method: each word, in comments of every form and language, fails where it stands.
  @Test(arguments: [note, "FIX" + "ME", "X" + "XX"])
  func `a note of work left over is found`(_ word: String) {
    #expect(
      Rule.leftovers.finds(in: "let a = 1\n// \(word): mend") == [
        "Sources/Holdfast/Sample.swift:2: `\(word)`, use the finished code, or nothing"
      ])
    #expect(Rule.leftovers.finds(in: "/*\n \(word)\n*/").first?.contains(":2:") == true)
    #expect(Rule.leftovers.finds(in: "int a; /* \(word) */", at: "Sources/C/c.c").count == 1)
    #expect(Rule.leftovers.finds(in: "# \(word)(me): mend", at: "Scripts/test").count == 1)
  }

  /// Goal: only the words themselves count.
  ///
  /// Method: text in a string, longer words, the template of a temporary name, and a document.
  @Test func `a word that looks like a note passes`() {
    #expect(Rule.leftovers.finds(in: "let a = \"\(Self.note)\"").isEmpty)
    #expect(Rule.leftovers.finds(in: "// \(Self.note)S, methods").isEmpty)
    #expect(Rule.leftovers.finds(in: "mktemp /tmp/a.XXX" + "XXX", at: "Scripts/test").isEmpty)
    #expect(Rule.leftovers.finds(in: Self.note, at: "CONTRIBUTING.md").isEmpty)
  }

  /// Goal: whoever tells the compiler to look away names the lock.
  ///
  /// Method: both forms without a comment, and with one that says something else, fail.
  @Test(arguments: [
    "final class A: @unchecked Sendable {}", "extension A: @unchecked Sendable {}",
    "final class A:\n  B, @unchecked Sendable\n{}", "nonisolated(unsafe) var a = 1",
    "struct A { nonisolated(unsafe) static let b = 1 }",
    "nonisolated(unsafe) var a = 1\nfunc b() {\n  // Under the lock.\n}",
    "final class A: @unchecked Sendable {\n  let b = 1\n  // Under the lock.\n  let c = 2\n}",
  ])
  func `what is unchecked without its lock is found`(_ text: String) {
    #expect(Rule.uncheckedSendable.finds(in: text).count == 1)
    #expect(Rule.uncheckedSendable.finds(in: "/// Reads the clock in blocks.\n" + text).count == 1)
    #expect(
      Rule.uncheckedSendable.finds(in: "// The lock of another.\nlet z = 1\n" + text).count == 1)
  }

  /// Goal: a reason is found right above, above the attributes, and on the line.
  ///
  /// Method: each place, with the word in several forms.
  @Test(arguments: [
    "// `state` is read and written under `lock` only.\nfinal class A: @unchecked Sendable {}",
    "/// Guarded by the NIOLock.\n@frozen\npublic final class A: @unchecked Sendable {}",
    "final class A: @unchecked Sendable {}  // Locked by its owner.",
    "// Under stateLock.\nfinal class A:\n  B, @unchecked Sendable\n{}",
    "// Written once, under the lock.\nnonisolated(unsafe) var a = 1",
    "final class A: @unchecked Sendable {\n  // Unchecked: under the lock of the queue.\n}",
    "/// Touched by the writer's thread only.\nfinal class A: @unchecked Sendable {}",
    "// @unchecked Sendable\n\"@unchecked Sendable\"",
    "func f(_ a: @Sendable () -> Void) {}",
  ])
  func `what is unchecked with its lock passes`(_ text: String) {
    #expect(Rule.uncheckedSendable.finds(in: text).isEmpty)
  }

  /// Goal: nothing leads a reader to a place that is not in the clone.
  ///
  /// Method: each name in a source, a script and a document, and words that only resemble them.
  @Test(arguments: [
    "/wo" + "rk/main", "/tm" + "p/hf/log", "SEMAN" + "TICS §3", "../sha" + "red/data",
  ])
  func `a name of the workplace is found`(_ name: String) {
    for path in ["Sources/A/B.swift", "Scripts/test", "CONTRIBUTING.md"] {
      #expect(Rule.workplaceNames.finds(in: "one\nsee \(name)", at: path).count == 1)
      #expect(
        Rule.workplaceNames.finds(in: "one\nsee \(name)", at: path).first?.hasPrefix("\(path):2: ")
          == true)
    }
    #expect(Rule.workplaceNames.finds(in: "homework/ /tmp/holdfast semantics").isEmpty)
  }
}
