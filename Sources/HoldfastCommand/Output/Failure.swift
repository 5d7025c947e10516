import HoldfastCore

/// How a failure is told: what went wrong, the facts, and what to do.
enum Failure {
  /// Says on standard error what went wrong.
  ///
  /// - Parameter error: The failure.
  static func report(_ error: StoreError) {
    let terminal = Terminal.errors
    var lines = [terminal.styled("holdfast:", .red) + " " + Printable.sentence(error.message)]
    for (name, value) in error.details {
      lines.append("  \(Printable.sentence(name)): \(Printable.json(value.json))")
    }
    lines.append("  " + terminal.styled(Printable.sentence(error.hint), .dim))
    Stream.say(lines.joined(separator: "\n"))
  }
}
