/// What one side did in each round: operations a second.
struct Series {
  let values: [Double]

  var median: Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
    return (sorted[middle - 1] + sorted[middle]) / 2
  }

  var least: Double { values.min() ?? 0 }
  var most: Double { values.max() ?? 0 }
}

/// Both sides of a row, round by round.
///
/// A round runs both sides one right after the other, and the next round in the other order, so
/// that whatever else the machine does meets both alike. Only the ratios of one round are compared.
struct Comparison {
  let ours: Series
  let theirs: Series

  /// Ours by theirs, of each round: above 1 we are faster.
  var ratios: Series { Series(values: zip(ours.values, theirs.values).map { $0 / $1 }) }

  /// Runs a first round that does not count, then the others.
  ///
  /// - Parameters:
  ///   - bench: How many rounds; and whether only our side runs.
  ///   - ours: Runs our side, and returns operations a second.
  ///   - theirs: Runs the other side.
  /// - Returns: What both did in each round that counts.
  /// - Throws: What either side threw.
  static func run(
    _ bench: Bench, ours: () async throws -> Double, theirs: () async throws -> Double
  ) async throws -> Comparison {
    var our: [Double] = []
    var their: [Double] = []
    for round in 0...bench.settings.rounds {
      let values: (ours: Double, theirs: Double)
      if bench.settings.isProfile {
        values = (try await ours(), 1)
      } else if round.isMultiple(of: 2) {
        let first = try await ours()
        values = (first, try await theirs())
      } else {
        let first = try await theirs()
        values = (try await ours(), first)
      }
      guard round > 0 else { continue }
      our.append(values.ours)
      their.append(values.theirs)
    }
    return Comparison(ours: Series(values: our), theirs: Series(values: their))
  }
}

/// Times some work.
///
/// - Parameters:
///   - count: How many operations it is.
///   - work: The work.
/// - Returns: Operations a second.
func rate(of count: Int, _ work: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await work()
  return Double(count) / (ContinuousClock.now - start).seconds
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
