import HoldfastCore
import HoldfastEngine

/// A task's row, in the order of ``TaskSQL/columns``.
struct TaskRow: Sendable {
  let task: TaskRecord
  /// The row's number, which breaks ties of time.
  let number: Int64
  /// The store's time of the transaction that read it.
  let now: Instant

  /// How many bytes of texts it has.
  let bytes: Int

  init(_ columns: [Bound]) throws(StoreError) { try self.init(Columns(columns)) }

  init(_ columns: Columns) throws(StoreError) {
    var columns = columns
    task = try TaskRecord(&columns)
    number = columns.integer()
    now = columns.instant()
    bytes = columns.bytes
  }

  /// Whether a worker has the task under a lease, be it run out or not.
  var isLeased: Bool { task.leaseExpiresAt != nil }

  /// The namespace that decides who may see the task.
  var namespace: Namespace { .holding(run: task.run) }

  /// The task's state.
  var state: TaskState {
    TaskState(
      status: task.status, attempt: task.attempt, startedAt: task.startedAt,
      completedAt: task.completedAt)
  }
}

extension TaskRecord {
  fileprivate init(_ columns: inout Columns) throws(StoreError) {
    id = columns.text()
    queue = columns.text()
    command = columns.text()
    let word = columns.text()
    guard let status = TaskStatus(rawValue: word) else {
      throw StoreError(.corrupt, "A stored task has a status that Holdfast does not know.")
    }
    self.status = status
    priority = Int(columns.integer())
    caller = columns.optionalText()
    responseChannel = columns.optionalText()
    responseThread = columns.optionalText()
    run = columns.optionalText()
    attempt = Int(columns.integer())
    maxAttempts = Int(columns.integer())
    backOff = BackOff(
      base: .microseconds(columns.integer()), cap: .microseconds(columns.integer()))
    runAt = columns.instant()
    leaseOwner = columns.optionalText()
    leaseExpiresAt = columns.optionalInstant()
    fencingToken = columns.integer()
    uniqueKey = columns.optionalText()
    source = columns.optionalText()
    version = columns.integer()
    createdAt = columns.instant()
    updatedAt = columns.instant()
    startedAt = columns.optionalInstant()
    completedAt = columns.optionalInstant()
    error = columns.optionalText()
    parameters = try ValueText.decode(columns.text())
    progress = try columns.optionalValue()
    result = try columns.optionalValue()
  }
}

/// The columns of a row, taken one after the other.
struct Columns {
  /// A row that is lent, or one that was materialised.
  private enum Source {
    case row(Row)
    case bounds([Bound])
  }

  private let source: Source
  private var place: Int32 = 0
  /// How many bytes of texts were taken.
  private(set) var bytes = 0

  init(_ columns: [Bound]) { source = .bounds(columns) }
  init(_ row: Row) { source = .row(row) }

  mutating func optionalText() -> String? {
    defer { place += 1 }
    let text: String? =
      switch source {
      case .row(let row): row.optionalText(place)
      case .bounds(let columns):
        columns.indices.contains(Int(place)) ? columns[Int(place)].text : nil
      }
    bytes += text?.utf8.count ?? 0
    return text
  }

  mutating func optionalInteger() -> Int64? {
    defer { place += 1 }
    switch source {
    case .row(let row): return row.optionalInteger(place)
    case .bounds(let columns):
      return columns.indices.contains(Int(place)) ? columns[Int(place)].integer : nil
    }
  }

  mutating func text() -> String { optionalText() ?? "" }
  mutating func integer() -> Int64 { optionalInteger() ?? 0 }
  mutating func instant() -> Instant { Instant(microseconds: integer()) }
  mutating func optionalInstant() -> Instant? {
    optionalInteger().map(Instant.init(microseconds:))
  }

  mutating func optionalValue() throws(StoreError) -> Value? {
    guard let text = optionalText() else { return nil }
    return try ValueText.decode(text)
  }
}

extension Connection {
  /// Runs a statement that gives tasks.
  func tasks(_ statement: Statement, _ bindings: [Bound]) throws(StoreError) -> [TaskRow] {
    guard let result = try run([Step(statement, bindings)]).first else { return [] }
    var rows: [TaskRow] = []
    rows.reserveCapacity(result.rows.count)
    for columns in result.rows { rows.append(try TaskRow(columns)) }
    return rows
  }
}
