import ArgumentParser
import HTTPTypes
import HoldfastCore

/// A step of a run's life: the verbs differ in their name, and in what they say of it.
protocol RunStep: AsyncParsableCommand {
  /// What happens to the run.
  static var event: RunEvent { get }
  /// To which run, and under which condition.
  var step: RunStepArguments { get }
  /// Fields that go along.
  var fields: Object { get }
}

/// What every step of a run needs.
struct RunStepArguments: ParsableArguments {
  @Argument(help: "The run's identifier.")
  var id: String

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments
}

extension RunStep {
  var fields: Object { [:] }

  static func configured(_ abstract: String, example: String = "") -> CommandConfiguration {
    CommandConfiguration(
      commandName: event.rawValue, abstract: abstract,
      discussion: """
        EXAMPLE
          holdfast run \(event.rawValue) refund-42\(example)
        """)
  }

  func run() async throws {
    var headers = try step.write.headers()
    headers.append(contentsOf: step.condition.headers)
    let route = Route("runs", step.id, Self.event.rawValue)
    let body = fields.isEmpty ? nil : fields
    try await step.arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.post, route, body, headers: headers)
    } show: { run, terminal in
      Record.details(run, for: terminal)
    }
  }
}

/// Ends a run well.
struct RunComplete: RunStep {
  static let event = RunEvent.complete
  static let configuration = configured("End a run well.")
  @OptionGroup var step: RunStepArguments
}

/// Ends a run badly.
struct RunFail: RunStep {
  static let event = RunEvent.fail
  static let configuration = configured(
    "End a run badly.", example: " --error 'the airline refused'")
  @OptionGroup var step: RunStepArguments

  @Option(help: ArgumentHelp("Why it failed.", valueName: "text"))
  var error: String?

  var fields: Object {
    var fields: Object = [:]
    fields["error"] = error.map(Value.string)
    return fields
  }
}

/// Ends a run from outside.
struct RunCancel: RunStep {
  static let event = RunEvent.cancel
  static let configuration = configured("End a run from outside.")
  @OptionGroup var step: RunStepArguments
}

/// Lets a run rest.
struct RunPause: RunStep {
  static let event = RunEvent.pause
  static let configuration = configured("Let a run rest.")
  @OptionGroup var step: RunStepArguments
}

/// Lets a run go on.
struct RunResume: RunStep {
  static let event = RunEvent.resume
  static let configuration = configured("Let a paused run go on.")
  @OptionGroup var step: RunStepArguments
}

/// Puts a run away.
struct RunArchive: RunStep {
  static let event = RunEvent.archive
  static let configuration = configured("Put a run away: still readable, never written again.")
  @OptionGroup var step: RunStepArguments
}
