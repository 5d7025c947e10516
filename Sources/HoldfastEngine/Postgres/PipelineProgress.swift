/// Follows what the server still owes for a pipeline: a value that takes what comes and fills in
/// the answer, and knows neither socket nor library.
struct PipelineProgress {
  /// What is awaited next.
  enum Expected: Equatable {
    /// The preparation of a statement, which stands before its part.
    case preparation(statement: Int, part: Int)
    case part(Int)
    case sync(Int)
  }

  /// What came.
  enum Event {
    case outcome(PartAnswer)
    case sync
    /// The silence that stands between two answers.
    case separator
  }

  private var expected: [Expected] = []
  private var place = 0
  /// Whether what is awaited has come, and only its separator has not.
  private var answered = false
  private(set) var answer = Answer()

  /// Begins to follow a pipeline.
  ///
  /// - Parameter parts: How many parts it has.
  mutating func begin(parts: Int) {
    expected.removeAll(keepingCapacity: true)
    place = 0
    answered = false
    answer = Answer()
    answer.parts = Array(repeating: .skipped, count: parts)
  }

  /// Notes something that was handed over and will be answered.
  ///
  /// - Parameter next: What it is.
  mutating func expect(_ next: Expected) {
    expected.append(next)
    switch next {
    case .preparation: break
    case .part(let part), .sync(let part): answer.handedOver = part + 1
    }
  }

  /// Whether everything that was handed over is answered.
  var isComplete: Bool { place == expected.count }

  /// Whether a silence now would be a separator.
  var awaitsSeparator: Bool { answered }

  /// Takes what came.
  ///
  /// - Parameter event: What came.
  /// - Returns: The statement whose preparation this decided, and whether it holds.
  mutating func take(_ event: Event) -> (statement: Int, holds: Bool)? {
    guard place < expected.count else { return nil }
    switch (event, expected[place]) {
    case (.separator, .sync): answered = false
    case (.separator, _):
      if answered { place += 1 }
      answered = false
    case (.sync, .sync(let part)):
      // Where the end of an implicit transaction failed, the failure stands here already.
      if case .skipped = answer.parts[part] { answer.parts[part] = .synced }
      place += 1
      answered = false
    case (.sync, _): break
    case (.outcome(let outcome), .part(let part)), (.outcome(let outcome), .sync(let part)):
      answered = true
      // A failed preparation stands here already; its statement was skipped.
      if case .skipped = answer.parts[part] { answer.parts[part] = outcome }
    case (.outcome(let outcome), .preparation(let statement, let part)):
      answered = true
      switch outcome {
      case .result: return (statement, true)
      case .failed: answer.parts[part] = outcome
      case .skipped, .synced: break
      }
      return (statement, false)
    }
    return nil
  }

  /// Ends the pipeline.
  ///
  /// - Parameter lost: Whether the connection broke.
  /// - Returns: What came of it.
  mutating func end(lost: Bool) -> Answer {
    var answer = self.answer
    answer.lost = lost || !isComplete || answer.handedOver < answer.parts.count
    begin(parts: 0)
    return answer
  }
}
