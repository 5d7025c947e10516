import Testing

@Suite struct CallTests {
  /// Goal: nobody asks the system for time, chance or ids past the one file that does.
  ///
  /// Method: each forbidden call in a source, in the one file that may, and outside the sources.
  @Test(arguments: [
    "Date()", "Date.now", "ContinuousClock()", "let clock: ContinuousClock", "SuspendingClock.now",
    "Task.sleep(for: .seconds(1))", "Task<Never, Never>.sleep(nanoseconds: 1)", "UUID()",
    "Int.random(in: 0..<9)", "let a: Int = .random(in: 0..<9)", "return .random(in: 0..<9)",
    "f(.random(in: 0..<9))", "names.shuffled()", "names.randomElement()",
    "SystemRandomNumberGenerator()", #""\(Date())""#,
  ])
  func `a call past the injected sources is found`(_ call: String) {
    #expect(Rule.systemSources.finds(in: call).count == 1)
    #expect(
      Rule.systemSources.finds(in: call, at: "Sources/HoldfastCore/Time/SystemSources.swift")
        .isEmpty)
    #expect(Rule.systemSources.finds(in: call, at: "Benchmarks/A/B.swift").isEmpty)
  }

  /// Goal: what only looks like such a call passes.
  ///
  /// Method: injected sources, text, comments, seeded generators and values made from given ones.
  @Test(arguments: [
    "ids.random(in: 0...9)", "self.ids.random(in: 0...9)", "source().random(in: 0...9)",
    "Int.random(in: 0..<9, using: &generator)", "names.shuffled(using: &generator)",
    "Date(timeIntervalSince1970: 0)", "UUID(uuidString: text)", "\"Date()\"", "// Date()",
    "time.sleep(for: .seconds(1))", "func random(in range: Range<Int>)", "/// See `UUID()`.",
  ])
  func `the injected sources may be asked`(_ call: String) {
    #expect(Rule.systemSources.finds(in: call).isEmpty)
  }

  /// Goal: the message says where, what and what instead.
  ///
  /// Method: one call on the second line.
  @Test func `a violation names its remedy`() {
    #expect(
      Rule.systemSources.finds(in: "\nlet id = UUID()") == [
        "Sources/Holdfast/Sample.swift:2: `UUID()`, use the store's IDSource"
      ])
  }

  /// Goal: no test sleeps.
  ///
  /// Method: each way to sleep, in a test and outside; and what only looks so.
  @Test(arguments: [
    "try await Task.sleep(for: .seconds(1))", "usleep(100)", "sleep(1)", "nanosleep(&a, nil)",
    "Thread.sleep(forTimeInterval: 1)",
  ])
  func `a test that sleeps is found`(_ call: String) {
    #expect(Rule.sleepInTests.finds(in: call, at: "Tests/A/B.swift").count == 1)
    #expect(Rule.sleepInTests.finds(in: call, at: "Benchmarks/A/B.swift").isEmpty)
    #expect(Rule.sleepInTests.finds(in: "\"\(call)\"", at: "Tests/A/B.swift").isEmpty)
  }

  /// Goal: a manual clock may be made and used.
  ///
  /// Method: its declaration and a call of it.
  @Test func `a manual clock is no sleep`() {
    let text = "func sleep(for d: Duration) {}\ntime.sleep(for: d)"

    #expect(Rule.sleepInTests.finds(in: text, at: "Tests/A/B.swift").isEmpty)
  }

  /// Goal: only the command prints.
  ///
  /// Method: the call in a library, in the command and in an example; and look-alikes.
  @Test func `a library that prints is found`() {
    #expect(
      Rule.printing.finds(in: "print(1)") == [
        "Sources/Holdfast/Sample.swift:1: `print(`, use a Logger with the values as metadata"
      ])
    #expect(Rule.printing.finds(in: "Swift.print(1)").count == 1)
    #expect(Rule.printing.finds(in: "debugPrint(1)").count == 1)
    #expect(Rule.printing.finds(in: "print(1)", at: "Sources/HoldfastCommand/A.swift").isEmpty)
    #expect(Rule.printing.finds(in: "print(1)", at: "Examples/a/main.swift").isEmpty)
    #expect(Rule.printing.finds(in: "func print(_ a: Int) { page.print(a) }").isEmpty)
    #expect(Rule.printing.finds(in: "/// print(1)\n\"print(1)\"").isEmpty)
  }

  /// Goal: nothing is tried by force.
  ///
  /// Method: a forced `try` in every part of the repository, an optional one, and a negation.
  @Test(arguments: ["Sources/A/B.swift", "Tests/A/B.swift", "Benchmarks/B.swift"])
  func `a forced try is found`(_ path: String) {
    #expect(
      Rule.forcedTry.finds(in: "try! run()", at: path) == [
        "\(path):1: a forced `try`, use `try` in a function that throws"
      ])
    #expect(Rule.forcedTry.finds(in: "try? run()\ntry !run()\n// try!\n\"try!\"").isEmpty)
  }

  /// Goal: there is one kind of lock.
  ///
  /// Method: the other one as a type and made; the word in a longer name and in text.
  @Test func `another kind of lock is found`() {
    #expect(
      Rule.oneKindOfLock.finds(in: "let a: Mutex<Int>") == [
        "Sources/Holdfast/Sample.swift:1: `Mutex` of Synchronization, use NIOLockedValueBox"
      ])
    #expect(Rule.oneKindOfLock.finds(in: "let a = Synchronization.Mutex(1)").count == 1)
    #expect(Rule.oneKindOfLock.finds(in: "// Mutex<Int>\nlet a = MutexFree(1)").isEmpty)
  }
}
