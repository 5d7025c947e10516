import HoldfastCore
import Testing

@Suite struct DiffTests {
  /// Applies a difference as `patch` would: keeps and adds what the hunks say.
  private func patched(_ old: [UInt8], _ diff: String) -> [UInt8]? {
    let lines = String(decoding: old, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map { String($0) + "\n" }
    var source = lines
    if let last = source.popLast(), last != "\n" { source.append(String(last.dropLast())) }
    var result: [String] = []
    var place = 0
    let parts = diff.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
      .dropLast()
    for part in parts {
      let text = String(part.dropFirst())
      switch part.first {
      case "@":
        guard let match = part.firstMatch(of: #/^@@ -([0-9]+)(?:,([0-9]+))? /#),
          let first = Int(match.1)
        else { return nil }
        let start = match.2 == "0" ? first : first - 1
        guard start >= place else { return nil }
        result += source[place..<start]
        place = start
      case " ", "-":
        guard place < source.count, source[place].hasPrefix(text) else { return nil }
        if part.first == " " { result.append(source[place]) }
        place += 1
      case "+": result.append(text + "\n")
      case "\\":
        if let last = result.last, last.hasSuffix("\n"), place == source.count {
          result[result.count - 1] = String(last.dropLast())
        }
      default: return nil
      }
    }
    result += source[place...]
    return Array(result.joined().utf8)
  }

  /// Goal: a difference leads from the one text to the other, whatever they are.
  ///
  /// Method: random texts of few different lines, from printed seeds, patched by hand.
  @Test(arguments: 1...8)
  func `a difference leads from one text to the other`(seed: UInt64) {
    var generator = Generator(state: seed)
    for round in 0..<200 {
      func text() -> [UInt8] {
        let count = Int(generator.next() % 20)
        let kinds = generator.next() % 4 + 1
        return (0..<count).flatMap { _ in Array("line \(generator.next() % kinds)\n".utf8) }
      }
      let (old, new) = (text(), text())
      let diff = UnifiedDiff(from: old, to: new).text("a", "b")
      #expect(diff.isEmpty == (old == new))
      if !diff.isEmpty { #expect(patched(old, diff) == new, "seed \(seed), round \(round)") }
    }
  }

  /// Goal: no more is taken out and put in than must be.
  ///
  /// Method: the example of Myers' paper, whose shortest way has five steps.
  @Test func `the way is the shortest`() {
    let old = Array("A\nB\nC\nA\nB\nB\nA\n".utf8)
    let new = Array("C\nB\nA\nB\nA\nC\n".utf8)
    let diff = UnifiedDiff(from: old, to: new).text("a", "b")
    let steps = diff.split(separator: "\n").dropFirst(2).filter {
      $0.hasPrefix("+") || $0.hasPrefix("-")
    }
    #expect(steps.count == 5)
  }

  /// Goal: texts that have nothing in common are compared in bounded time.
  ///
  /// Method: many lines, all different, and a few the same.
  @Test func `texts of many differences are compared too`() {
    let old = Array((0..<20_000).map { "old \($0)\n" }.joined().utf8)
    let new = Array((0..<20_000).map { "\($0 % 100 == 0 ? "old" : "new") \($0)\n" }.joined().utf8)
    let diff = UnifiedDiff(from: old, to: new).text("a", "b")
    #expect(patched(old, diff) == new)
  }

  /// Goal: a text is UTF-8 without NUL.
  ///
  /// Method: one of each.
  @Test func `a text is UTF-8 without NUL`() {
    #expect(UnifiedDiff.isText([]))
    #expect(UnifiedDiff.isText(Array("é\r\n".utf8)))
    #expect(!UnifiedDiff.isText([65, 0]))
    #expect(!UnifiedDiff.isText([0xC0, 0xAE]))
  }

  private struct Generator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }
}
