import ArgumentParser

/// Says which Holdfast this is.
struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the version.",
    discussion: """
      EXAMPLE
        holdfast version
      """)

  /// The version of the program and of the library in it.
  static let number = "0.1.0"

  func run() { Stream.data("holdfast \(Self.number)\n") }
}
