import ArgumentParser
import HoldfastCore

/// Runs retention.
struct RetentionRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "run", "Remove what the policies do not keep, and say how many of each kind went.",
    about: """
      It asks before, unless --yes or --dry-run. Upkeep does it once an hour by itself. A kind \
      that fails holds up no other; the failures are named, and the exit code is that of the \
      worst: 74 for an audit chain that was changed from outside, 69 for what was not available.
      """,
    examples: ["holdfast retention run --dry-run", "holdfast retention run --yes"])

  @Flag(help: "Only count.")
  var dryRun = false

  @OptionGroup var confirmed: Confirmed<StoreArguments>

  private var arguments: StoreArguments { confirmed.target }

  func run() async throws {
    if !dryRun { try confirmed.confirm("Remove what the policies do not keep?") }
    let request = Request.long(
      Route("retention", "run").with("dry_run", dryRun), isRead: dryRun)
    let failures = try await Connection.use(StoreURL.named(arguments.store), for: request.purpose) {
      connection in
      let answer = try await connection.send(request)
      try arguments.print(answer, request.look)
      return try answer.value()["failures"]?.objectValue ?? [:]
    }
    let codes = failures.map { StoreError.Code(name: $0.value.stringValue ?? "") ?? .internal }
    guard let worst = Self.worst(of: codes) else { return }
    if !arguments.json { Self.tell(failures) }
    throw ExitCode(worst.exitCode)
  }

  /// The failure that needs somebody most: damage first, and last what passes by itself.
  ///
  /// - Parameter codes: The failures.
  /// - Returns: The worst; `nil` where there are none.
  static func worst(of codes: [StoreError.Code]) -> StoreError.Code? {
    codes.first { $0 == .corrupt } ?? codes.first { $0 != .unavailable } ?? codes.first
  }

  private static func tell(_ failures: Object) {
    for (kind, code) in failures {
      let name = Printable.sentence(code.stringValue ?? "")
      Stream.say("Could not go through \(Printable.sentence(kind)): \(name).")
    }
  }
}
