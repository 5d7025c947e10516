public import HoldfastCore
import HoldfastEngine

/// The numbers of tasks: how many stand where, and how long they took.
public struct TaskStats: Sendable, Equatable {
  /// How many tasks stand in each status; a status without tasks is 0.
  public private(set) var byStatus = Dictionary(
    uniqueKeysWithValues: TaskStatus.allCases.map { ($0, 0) })
  // Names are exact: a dictionary of strings would take texts of other bytes for the same.
  private var commands: [Bytewise: Command] = [:]
  private var queues: [Bytewise: Queue] = [:]

  /// The numbers of each command, in the order of names.
  public var byCommand: [Command] {
    commands.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The numbers of each queue, in the order of names.
  public var byQueue: [Queue] {
    queues.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The numbers of one command.
  ///
  /// - Parameter name: The command, exactly.
  /// - Returns: Its numbers; `nil` where no task has it.
  public func command(_ name: String) -> Command? { commands[Bytewise(name)] }

  /// The numbers of one queue.
  ///
  /// - Parameter name: The queue, exactly.
  /// - Returns: Its numbers; `nil` where no task is in it.
  public func queue(_ name: String) -> Queue? { queues[Bytewise(name)] }

  /// The numbers of one command.
  public struct Command: Sendable, Equatable {
    /// The command.
    public let name: String
    /// How many tasks have it.
    public fileprivate(set) var count = 0
    /// How many of them have run and are finished.
    public fileprivate(set) var finished = 0
    /// How long the latest runs of those took together.
    public fileprivate(set) var durationTotal = Duration.zero
    /// How long the longest took.
    public fileprivate(set) var durationMax = Duration.zero

    /// How long one took on average; `nil` before the first has finished.
    public var durationAverage: Duration? {
      finished > 0 ? durationTotal / finished : Duration?.none
    }
  }

  /// The numbers of one queue.
  public struct Queue: Sendable, Equatable {
    /// The queue.
    public let name: String
    /// How many tasks wait for a worker, due or not.
    public fileprivate(set) var pending = 0
    /// How many of them are due.
    public fileprivate(set) var due = 0
    /// How many run.
    public fileprivate(set) var running = 0
    /// For how long the first of those that are due has been; `nil` where none is.
    public fileprivate(set) var oldestDueAge: Duration?
  }

  /// Adds a group of tasks.
  mutating func add(_ group: TaskGroup) {
    guard let status = TaskStatus(rawValue: group.status) else { return }
    byStatus[status, default: 0] += group.count
    var command = commands[group.command] ?? Command(name: group.command.text)
    command.count += group.count
    command.finished += group.finished
    command.durationTotal += group.durationTotal
    command.durationMax = max(command.durationMax, group.durationMax)
    commands[group.command] = command
    var queue = queues[group.queue] ?? Queue(name: group.queue.text)
    if status == .pending { queue.pending += group.count }
    if status == .running { queue.running += group.count }
    queue.due += group.due
    if let age = group.oldestDueAge { queue.oldestDueAge = max(queue.oldestDueAge ?? .zero, age) }
    queues[group.queue] = queue
  }
}

/// Tasks of one queue, command and status, and of one run where that was asked for.
struct TaskGroup {
  let run: String?
  let queue: Bytewise
  let command: Bytewise
  let status: String
  let count: Int
  let finished: Int
  let durationTotal: Duration
  let durationMax: Duration
  let due: Int
  let oldestDueAge: Duration?

  init(row: Row) {
    run = row.optionalText(0)
    queue = Bytewise(row.text(1))
    command = Bytewise(row.text(2))
    status = row.text(3)
    count = Int(row.integer(4))
    finished = Int(row.integer(5))
    durationTotal = .seconds(row.integer(6)) + .microseconds(row.integer(7))
    durationMax = .microseconds(row.integer(8))
    due = Int(row.integer(9))
    let now = Instant(microseconds: row.integer(11))
    oldestDueAge = row.optionalInteger(10).map { max(.zero, now - Instant(microseconds: $0)) }
  }
}
