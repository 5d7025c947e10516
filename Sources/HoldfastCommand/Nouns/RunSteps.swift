import ArgumentParser
import HoldfastCore

/// A step of a run's life: the verbs differ in their name, and in what they say of it.
protocol RunStep: Verb {
  /// What happens to the run.
  static var event: RunEvent { get }
  /// To which run.
  var subject: RunArgument { get }
  /// What goes along; `nil` for nothing.
  var body: Body? { get }
}

/// The run that a step is taken with.
struct RunArgument: ParsableArguments {
  @Argument(help: "The run's identifier.")
  var id: String
}

extension RunStep {
  var body: Body? { nil }

  /// The configuration of the step's verb.
  ///
  /// - Parameters:
  ///   - abstract: What it does, in a line.
  ///   - about: What else one has to know.
  ///   - example: What stands behind the run in the example.
  /// - Returns: The configuration.
  static func step(
    _ abstract: String, about: String = "", example: String = ""
  ) -> CommandConfiguration {
    .verb(
      event.rawValue, abstract, about: about,
      examples: ["holdfast run \(event.rawValue) refund-42\(example)"])
  }

  /// What the step asks of the store.
  var step: Request { .post(Route("runs", subject.id, Self.event.rawValue), body) }

  func request() throws -> Request { step }
}

/// Ends a run well.
struct RunComplete: RunStep {
  static let event = RunEvent.complete
  static let configuration = step("End a run well.")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: ChangeArguments
}

/// Ends a run badly.
struct RunFail: RunStep {
  static let event = RunEvent.fail
  static let configuration = step("End a run badly.", example: " --error 'the airline refused'")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: ChangeArguments

  @Option(help: ArgumentHelp("Why it failed.", valueName: "text"))
  var error: String?

  var body: Body? { ["error": error] }
}

/// Ends a run from outside.
struct RunCancel: RunStep {
  static let event = RunEvent.cancel
  static let configuration = step(
    "End a run from outside.", about: "It asks before, unless --yes.", example: " --yes")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Cancel the run \(subject.id)?")
    return step
  }
}

/// Lets a run rest.
struct RunPause: RunStep {
  static let event = RunEvent.pause
  static let configuration = step("Let a run rest.")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: ChangeArguments
}

/// Lets a run go on.
struct RunResume: RunStep {
  static let event = RunEvent.resume
  static let configuration = step("Let a paused run go on.")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: ChangeArguments
}

/// Puts a run away.
struct RunArchive: RunStep {
  static let event = RunEvent.archive
  static let configuration = step("Put a run away: still readable, never written again.")
  @OptionGroup var subject: RunArgument
  @OptionGroup var arguments: ChangeArguments
}
