extension Rule {
  /// A forced `try` turns a failure that could be handled into the end of the process.
  static let forcedTry = Rule(
    "Nothing is tried by force", in: { _ in true },
    code: { place in
      guard place.reads("try", "!"), place[1]?.offset == place.token.offset + 3 else { return nil }
      return ("a forced `try`", "`try` in a function that throws")
    })
}
