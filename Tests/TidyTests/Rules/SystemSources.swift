extension Rule {
  /// Time, chance and ids come in through the door, so that a test can set them: one file asks the
  /// operating system, all others ask the source that they were given.
  static let systemSources = Rule(
    "Only SystemSources.swift asks the system for time, chance and ids",
    in: { $0.area == "Sources" && $0.name != "SystemSources.swift" },
    code: { place in
      guard place.token.kind == .word else { return nil }
      switch place.token.text {
      case "Date" where place.reads("Date", "(", ")") || place.reads("Date", ".", "now"):
        return ("`Date` asked for the time", "the store's TimeSource")
      case "ContinuousClock", "SuspendingClock":
        return ("`\(place.token.text)`", "the store's TimeSource")
      case "sleep" where isOfTask(place):
        return ("`Task.sleep`", "TimeSource.sleep(for:)")
      case "UUID" where place.reads("UUID", "(", ")"):
        return ("`UUID()`", "the store's IDSource")
      case "SystemRandomNumberGenerator":
        return ("`SystemRandomNumberGenerator`", "the store's IDSource")
      case "random" where asksTheSystem(place):
        return ("`.random(` of the system", "IDSource.random(in:)")
      case "randomElement", "shuffled", "shuffle":
        guard place.reads(place.token.text, "(", ")") else { return nil }
        return ("`\(place.token.text)()` of the system", "IDSource.random(in:)")
      default: return nil
      }
    })

  /// A test waits for events, never for time: what sleeps is slow on a fast machine and wrong on a
  /// slow one.
  static let sleepInTests = Rule(
    "No test sleeps", in: { $0.area == "Tests" },
    code: { place in
      let remedy = "a signal, or a manual clock"
      switch place.token.text {
      case "sleep" where isOfTask(place): return ("`Task.sleep` in a test", remedy)
      case "sleep" where place[-1]?.isCode(".") == true && place[-2]?.isCode("Thread") == true:
        return ("`Thread.sleep` in a test", remedy)
      case "sleep", "usleep", "nanosleep":
        return place.calls(place.token.text) ? ("`\(place.token.text)` in a test", remedy) : nil
      default: return nil
      }
    })

  /// `Task.sleep` and `Task<Never, Never>.sleep`.
  private static func isOfTask(_ place: CodeCursor) -> Bool {
    guard place.token.text == "sleep", place[-1]?.isCode(".") == true else { return false }
    return place[-2]?.isCode("Task") == true || place[-2]?.isCode(">") == true
  }

  /// `Int.random(in:)` and `.random(in:)` ask the system unless a generator is given; a method of a
  /// value, such as `ids.random(in:)`, does not.
  private static func asksTheSystem(_ place: CodeCursor) -> Bool {
    guard place.reads("random", "("), place[-1]?.isCode(".") == true else { return false }
    if let receiver = place[-2], receiver.kind == .word || receiver.isCode(")") {
      let isType = receiver.text.first?.isUppercase ?? false
      let isKeyword = ["return", "in", "try", "await", "case"].contains(receiver.text)
      guard isType || isKeyword else { return false }
    }
    var distance = 1
    var depth = 0
    while let token = place[distance] {
      if token.isCode("(") { depth += 1 }
      if token.isCode(")") { depth -= 1 }
      if depth == 0 { return true }
      if depth == 1, token.isCode("using") { return false }
      distance += 1
    }
    return true
  }
}
