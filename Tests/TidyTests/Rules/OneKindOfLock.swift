extension Rule {
  /// The thread sanitizer does not know the standard library's lock and reports races that are
  /// none, so that a true one would be overlooked.
  static let oneKindOfLock = Rule(
    "There is one kind of lock", in: { _ in true },
    code: { place in
      guard place.token.isCode("Mutex"),
        place[1]?.isCode("<") == true || place[1]?.isCode("(") == true
      else { return nil }
      return ("`Mutex` of Synchronization", "NIOLockedValueBox")
    })
}
