import HoldfastCore
import HoldfastEngine

/// One table from which retention removes, and how it is walked.
///
/// The dry run and the run look at the same rows through the same statements, so that they agree.
struct RetentionPart: Sendable {
  let kind: RetentionKind
  /// Where a walk from the oldest begins, and one from the newest: the columns of a place.
  let first: [Bound]
  let last: [Bound]
  /// The oldest: parameters are a place, the time before which they are, and how many. Columns:
  /// the place, time, run, whether the row must stay (1 or 0), id, and what the part itself needs.
  let oldest: Statement
  /// The newest: parameters are a place and how many. Columns: the place, time, run, about how many
  /// bytes.
  let newest: Statement
  /// What removes a row and enters it into the feed.
  let removal: @Sendable (RetainedRow) -> [Step]

  /// How many rows are looked at in one go.
  static let rowsMax = 500
  /// How many rows one transaction removes: others write between two of them.
  static let removalsMax = 100

  /// Looks at the oldest rows behind a place.
  ///
  /// - Parameters:
  ///   - place: Where to begin.
  ///   - cutoffs: Before which times rows go.
  ///   - connection: The transaction's connection.
  /// - Returns: The rows that go, at most as many as one transaction removes, and where to go on.
  /// - Throws: What the database says, as a ``StoreError``.
  func look(
    after place: [Bound], _ cutoffs: RetentionCutoffs, on connection: any Connection
  ) throws(StoreError) -> (going: [RetainedRow], next: [Bound]?) {
    let bounds: [Bound] = [.integer(cutoffs.latest), .integer(Int64(Self.rowsMax))]
    let rows = try connection.run([Step(oldest, place + bounds)])[0].rows
    var going: [RetainedRow] = []
    for columns in rows {
      let row = RetainedRow(columns, placeColumns: first.count)
      guard !row.mustStay, row.time < cutoffs.cutoff(of: row.run) else { continue }
      going.append(row)
      if going.count == Self.removalsMax { return (going, row.place) }
    }
    let isFull = rows.count == Self.rowsMax
    return (going, isFull ? rows.last.map { Array($0.prefix(first.count)) } : nil)
  }

  /// Removes the oldest rows behind a place.
  ///
  /// - Parameters:
  ///   - place: Where to begin.
  ///   - cutoffs: Before which times rows go.
  ///   - transaction: The transaction.
  /// - Returns: How many went.
  /// - Throws: What the database says, as a ``StoreError``.
  func remove(
    after place: [Bound], _ cutoffs: RetentionCutoffs, in transaction: Transaction
  ) throws(StoreError) -> Int {
    let connection = try transaction.writing(operations: Self.removalsMax, bytes: 0)
    let going = try look(after: place, cutoffs, on: connection).going
    if !going.isEmpty { _ = try connection.run(going.flatMap(removal)) }
    return going.count
  }
}

/// A row that retention looks at.
struct RetainedRow: Sendable {
  let place: [Bound]
  let time: Int64
  let run: String?
  let mustStay: Bool
  let id: String
  /// What only its part knows.
  let extra: [Bound]

  init(_ columns: [Bound], placeColumns count: Int) {
    place = Array(columns.prefix(count))
    time = columns[count].integer ?? .max
    run = columns[count + 1].text
    mustStay = columns[count + 2].integer != 0
    id = columns[count + 3].text ?? ""
    extra = Array(columns.dropFirst(count + 4))
  }
}

/// Before which times things of one kind go.
struct RetentionCutoffs: Sendable, Equatable {
  /// Where no namespace has its own; the least time where everything stays.
  var general = Int64.min
  /// Of the records of runs, `""` for those of none.
  var byRun: [Bytewise: Int64] = [:]

  /// The time before which a record of a run goes.
  func cutoff(of run: String?) -> Int64 { byRun[Bytewise(run ?? "")] ?? general }

  /// No row from this time on goes.
  var latest: Int64 { byRun.values.reduce(general, max) }

  /// Moves the cutoff of a scope on.
  ///
  /// - Parameters:
  ///   - run: The run, `""` for none; `nil` for the general one.
  ///   - time: The time.
  mutating func raise(_ run: Bytewise?, to time: Int64) {
    guard let run else { return general = max(general, time) }
    byRun[run] = max(byRun[run] ?? .min, time)
  }
}

/// Finds the time before which a number or a size is exceeded, walking from the newest.
struct RetentionCount {
  private struct Allowance {
    var items: Int?
    var bytes: Int64?
    /// The time of the last row that was kept.
    var keptAt: Int64?
  }

  private var allowances: [Bytewise?: Allowance] = [:]
  private let overridden: Set<Bytewise>

  /// - Parameters:
  ///   - policies: The policies of the runs, `nil` for the general one.
  init(_ policies: [Bytewise?: RetentionPolicy]) {
    overridden = Set(policies.keys.compactMap { $0 })
    for (run, policy) in policies where policy.keepLast != nil || policy.bytesMax != nil {
      allowances[run] = Allowance(items: policy.keepLast, bytes: policy.bytesMax)
    }
  }

  /// Whether there is nothing left to count.
  var isDone: Bool { allowances.isEmpty }

  /// Counts a row, the newest first.
  ///
  /// - Parameters:
  ///   - run: Its run.
  ///   - time: Its time.
  ///   - bytes: About how large it is.
  ///   - cutoffs: Where it is noted when a bound is exceeded by this row.
  mutating func take(
    run: String?, time: Int64, bytes: Int64, _ cutoffs: inout RetentionCutoffs
  ) {
    let own = Bytewise(run ?? "")
    let scope: Bytewise? = overridden.contains(own) ? own : nil
    guard var allowance = allowances[scope] else { return }
    if let items = allowance.items { allowance.items = items - 1 }
    if let left = allowance.bytes { allowance.bytes = left - bytes }
    guard allowance.items ?? 0 < 0 || allowance.bytes ?? 0 < 0 else {
      allowance.keptAt = time
      return allowances[scope] = allowance
    }
    allowances[scope] = nil
    // This row goes with all before it. What one transaction finished has one time and stays whole:
    // more stays than the bound asks for, never less.
    cutoffs.raise(scope, to: allowance.keptAt == time ? time : max(time, time &+ 1))
  }
}
