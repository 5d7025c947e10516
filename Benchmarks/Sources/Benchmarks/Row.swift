import Foundation

/// One row of the table of results.
struct Row {
  let number: String
  let work: String
  let against: String
  let comparison: Comparison
  /// The least ratio that is good enough; for a row of growth the largest cost, see ``isCost``.
  let target: Double
  /// Whether the ratio says how many times more it costs, so that less is better.
  var isCost = false
  /// What was seen beside the ratio.
  var notes: [String] = []

  private var shown: Series {
    guard isCost else { return comparison.ratios }
    return Series(values: comparison.ratios.values.map { 1 / $0 })
  }

  var isMet: Bool { isCost ? shown.median <= target : shown.median >= target }

  /// The row as Markdown.
  var line: String {
    let cells = [
      number, work, against, perSecond(comparison.ours.median),
      perSecond(comparison.theirs.median), "**\(number2(shown.median))×**",
      "\(number2(shown.least))–\(number2(shown.most))",
      "\(isCost ? "≤" : "≥") \(number2(target))×", isMet ? "yes" : "**no**",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  static let head = """
    | # | Work | Against | Ours /s | Theirs /s | Ratio | Spread | Target | Met |
    |---|---|---|--:|--:|--:|--:|--:|---|
    """
}

func number2(_ value: Double) -> String { String(format: "%.2f", value) }

/// A rate with three digits that count.
func perSecond(_ rate: Double) -> String {
  switch rate {
  case ..<100: String(format: "%.1f", rate)
  case ..<10_000: String(format: "%.0f", rate)
  case ..<1_000_000: String(format: "%.1f k", rate / 1_000)
  default: String(format: "%.2f M", rate / 1_000_000)
  }
}

/// A number as people say it.
func inWords(_ number: Int) -> String {
  switch number {
  case 1_000_000...: "\(number / 1_000_000) million"
  case 1_000...: "\(number / 1_000) thousand"
  default: String(number)
  }
}
