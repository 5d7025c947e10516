public import HoldfastCore

/// Which tasks a page lists.
public struct TaskQuery: Sendable, Equatable {
  /// In which order tasks are listed, by the time at which they were enqueued.
  public enum Order: String, Sendable, CaseIterable {
    /// The newest first.
    case newest
    /// The oldest first.
    case oldest
  }

  /// Only tasks that stand here.
  public var status: TaskStatus?
  /// Only tasks of this queue.
  public var queue: String?
  /// Only tasks with this command.
  public var command: String?
  /// Only tasks that this caller asked for.
  public var caller: String?
  /// Only tasks of this run.
  public var run: String?
  /// Only tasks that were enqueued at this time or later.
  public var since: Instant?
  /// Only tasks that were enqueued before this time.
  public var until: Instant?
  /// In which order.
  public var order: Order
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?
  /// Whether all that match are counted, at the cost of a scan of them.
  public var counts: Bool

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - status: Only tasks that stand here.
  ///   - queue: Only tasks of this queue.
  ///   - command: Only tasks with this command.
  ///   - caller: Only tasks that this caller asked for.
  ///   - run: Only tasks of this run.
  ///   - since: Only tasks that were enqueued at this time or later.
  ///   - until: Only tasks that were enqueued before this time.
  ///   - order: In which order.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  ///   - counts: Whether all that match are counted.
  public init(
    status: TaskStatus? = nil, queue: String? = nil, command: String? = nil,
    caller: String? = nil, run: String? = nil, since: Instant? = nil, until: Instant? = nil,
    order: Order = .newest, after: String? = nil, limit: Int? = nil, counts: Bool = false
  ) {
    self.status = status
    self.queue = queue
    self.command = command
    self.caller = caller
    self.run = run
    self.since = since
    self.until = until
    self.order = order
    self.after = after
    self.limit = limit
    self.counts = counts
  }
}

/// One page of tasks.
public struct TaskPage: Sendable, Equatable {
  /// The tasks.
  public let items: [TaskRecord]
  /// Where the next page begins; `nil` on the last.
  public let next: String?
  /// How many tasks match in all; `nil` where nobody asked.
  public let total: Int?
}
