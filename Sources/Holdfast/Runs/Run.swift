public import HoldfastCore
import HoldfastEngine

/// One run of an agent: where its state, its tasks and its history hang together.
///
/// Under a run is the namespace `run:ID` with all below it.
public struct Run: Sendable, Equatable, Codable {
  /// The run's identifier.
  public let id: String
  /// Where it stands.
  public let status: RunStatus
  /// The run that began it; kept when that one is deleted.
  public let parent: String?
  /// Words by which it can be listed, each once, in order.
  public let tags: [String]
  /// What the caller keeps with it: an object.
  public let metadata: Value
  /// Why it failed.
  public let error: String?
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it began.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
  /// When it was completed, failed or was cancelled.
  public let completedAt: Instant?
}

/// Which runs a page lists, the newest first.
public struct RunQuery: Sendable, Equatable {
  /// Only runs that stand here.
  public var status: RunStatus?
  /// Only runs that bear this tag.
  public var tag: String?
  /// Only runs that this run began.
  public var parent: String?
  /// Only runs that began at this time or later.
  public var since: Instant?
  /// Only runs that began before this time.
  public var until: Instant?
  /// Whether archived runs are shown beside the others.
  public var includesArchived: Bool
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - status: Only runs that stand here.
  ///   - tag: Only runs that bear this tag.
  ///   - parent: Only runs that this run began.
  ///   - since: Only runs that began at this time or later.
  ///   - until: Only runs that began before this time.
  ///   - includesArchived: Whether archived runs are shown beside the others.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    status: RunStatus? = nil, tag: String? = nil, parent: String? = nil, since: Instant? = nil,
    until: Instant? = nil, includesArchived: Bool = false, after: String? = nil,
    limit: Int? = nil
  ) {
    self.status = status
    self.tag = tag
    self.parent = parent
    self.since = since
    self.until = until
    self.includesArchived = includesArchived
    self.after = after
    self.limit = limit
  }
}

/// A run's row, in the order of columns that every statement of this folder gives.
struct RunRow {
  let run: Run
  /// The row's number, which breaks ties of time.
  let number: Int64
  /// The store's time of the transaction that read it.
  let now: Instant
  /// How long the row's texts are, in bytes, as far as they may be long.
  let bytes: Int

  /// - Returns: `nil` for the row that a deleted run left.
  init?(row: Row) throws(StoreError) {
    guard let status = RunStatus(rawValue: row.text(1)) else { return nil }
    run = Run(
      id: row.text(0), status: status, parent: row.optionalText(2),
      tags: try StoredJSON.strings(row.text(3)), metadata: try ValueText.decode(row.text(4)),
      error: row.optionalText(5), version: row.integer(6),
      createdAt: Instant(microseconds: row.integer(7)),
      updatedAt: Instant(microseconds: row.integer(8)),
      completedAt: row.optionalInteger(9).map(Instant.init(microseconds:)))
    number = row.integer(10)
    now = Instant(microseconds: row.integer(11))
    bytes = row.textBytes(3).count + row.textBytes(4).count + (run.error?.utf8.count ?? 0)
  }
}

/// Lists of texts in JSON columns.
enum StoredJSON {
  static func strings(_ text: String) throws(StoreError) -> [String] {
    guard case .array(let items) = try ValueText.decode(text) else { return [] }
    return items.compactMap(\.stringValue)
  }

  static func text(_ strings: [String]) -> String { Value.array(strings.map(Value.string)).json }
}
