/// Something that every file of the repository has to keep to.
///
/// A rule is a function from files to violations and touches nothing else, so that its test can
/// hand it a bad sample and see it fail.
struct Rule: Sendable {
  /// The rule as a sentence.
  let sentence: String
  private let checkAll: @Sendable ([SourceFile]) -> [Violation]

  /// Makes a rule that looks at one file at a time.
  init(_ sentence: String, file check: @escaping @Sendable (SourceFile) -> [Violation]) {
    self.sentence = sentence
    checkAll = { $0.flatMap(check) }
  }

  /// Makes a rule that has to see all files.
  init(_ sentence: String, files check: @escaping @Sendable ([SourceFile]) -> [Violation]) {
    self.sentence = sentence
    checkAll = check
  }

  /// Finds what breaks the rule.
  ///
  /// - Parameter files: The files to look at.
  /// - Returns: One violation a place, in the order of the files.
  func violations(in files: [SourceFile]) -> [Violation] { checkAll(files) }

  /// All rules.
  static let all: [Rule] = [
    .fileLength, .readmeLength, .functionLength, .lineWidth,
    .systemSources, .sleepInTests, .printing, .imports,
    .documentation, .leftovers, .uncheckedSendable, .forcedTry, .oneKindOfLock,
    .unusedSources, .workplaceNames, .errorPages, .documentLinks,
  ]
}

/// A place that breaks a rule.
struct Violation: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  /// What is wrong there.
  let problem: String
  /// What to do instead; it follows the word "use".
  let remedy: String

  var description: String { "\(path):\(line): \(problem), use \(remedy)" }
}
