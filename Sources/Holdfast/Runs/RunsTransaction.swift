public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The runs, inside this transaction.
  public var runs: RunsTransaction { RunsTransaction(transaction: self) }
}

/// The runs of a store, inside a transaction: every operation exists here, once.
public struct RunsTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// Begins a run.
  ///
  /// - Parameters:
  ///   - id: The run's identifier, 1 to 256 bytes; one is made if left out.
  ///   - parent: The run that begins it.
  ///   - tags: Words by which it can be listed.
  ///   - metadata: What the caller keeps with it: an object.
  /// - Returns: The run, active.
  /// - Throws: ``StoreError`` with `conflict` for an id that is taken, `not_found` for an unknown
  ///   parent, `invalid_state` for the id of a deleted run, `invalid`.
  @discardableResult
  public func begin(
    _ id: String? = nil, parent: String? = nil, tags: [String] = [], metadata: Value = [:]
  ) throws(StoreError) -> Run {
    let id = id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    try Checks.runID(id, limits)
    if let parent { try Checks.runID(parent, limits) }
    let tags = try checked(tags)
    let metadata = try Metadata.text(metadata, limits)
    let connection = try transaction.writing(
      operations: 1 + tags.count, bytes: id.utf8.count + metadata.utf8.count + bytes(of: tags))
    try RunGuard.check(deleted: id, on: connection)
    if let parent, try find(parent, connection) == nil {
      throw StoreError(
        .notFound, "There is no run that could be the parent.", hint: "Begin the parent first.",
        details: ["parent": .string(parent)])
    }
    let begun = try connection.first(
      RunSQL.begin,
      [.text(id), Bound(parent), .text(StoredJSON.text(tags)), .text(metadata)]
    ) { (number: $0.integer(0), created: $0.integer(1)) }
    guard let begun else {
      throw StoreError(
        .conflict, "A run with this id has begun already.", hint: "Use another id, or none.",
        details: ["run": .string(id)])
    }
    let tagging = tags.map {
      Step(RunSQL.addTag, [.text($0), .integer(begun.created), .integer(begun.number)])
    }
    _ = try connection.run(tagging + [Feed.event("run", .run(id), id, "begin")])
    return try known(id, connection).run
  }

  /// A run.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The run; `nil` for a missing or deleted one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> Run? {
    try Checks.runID(id, limits)
    return try find(id, transaction.reading())?.run
  }

  /// Lists one page of runs, the newest first; archived ones only when asked for.
  ///
  /// - Parameter query: Which runs.
  /// - Returns: The runs, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: RunQuery = RunQuery()) throws(StoreError) -> Page<Run> {
    let limit = try limits.pageItems(query.limit)
    if let tag = query.tag { try Checks.id(tag, "tag", limits) }
    if let parent = query.parent { try Checks.runID(parent, limits) }
    let place = try TimePlace(.runs, after: query.after, until: query.until)
    let showsArchived = query.includesArchived || query.status == .archived
    let statement =
      switch (query.parent, query.tag, query.status) {
      case (.some, _, _): RunSQL.listByParent
      case (nil, .some, _): RunSQL.listByTag
      case (nil, nil, .some): RunSQL.listByStatus
      case (nil, nil, nil): RunSQL.listByTime
      }
    let rows = try transaction.reading().page(
      statement,
      [
        .integer(place.time), .integer(place.number),
        .integer(query.since?.microseconds ?? .min), Bound(query.status?.rawValue),
        Bound(showsArchived || query.status != nil), Bound(query.parent), Bound(query.tag),
        .integer(Int64(limit) + 1),
      ], limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      guard let found = try RunRow(row: row) else {
        throw StoreError(
          .corrupt, "A run's row has a status that Holdfast does not know.",
          hint: "Mend the row, or restore a backup.")
      }
      return (found, found.bytes)
    }
    let last = rows.items.last.map {
      TimePlace(.runs, time: $0.run.createdAt.microseconds, number: $0.number)
    }
    return Page(items: rows.items.map(\.run), next: rows.isMore ? last?.token : nil)
  }

  /// How many runs there are in each state; states without runs are 0.
  ///
  /// - Returns: The numbers.
  /// - Throws: ``StoreError`` of the engine's.
  public func counts() throws(StoreError) -> [RunStatus: Int] {
    var counts = Dictionary(uniqueKeysWithValues: RunStatus.allCases.map { ($0, 0) })
    let rows = try transaction.reading().all(RunSQL.counts) { ($0.text(0), Int($0.integer(1))) }
    for (name, count) in rows {
      if let status = RunStatus(rawValue: name) { counts[status] = count }
    }
    return counts
  }

  /// Replaces a run's tags or metadata; what is left out stays.
  ///
  /// - Parameters:
  ///   - id: The run's identifier.
  ///   - tags: The new tags.
  ///   - metadata: The new metadata: an object.
  /// - Returns: The run as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, or `invalid_state` for an archived run.
  @discardableResult
  public func update(
    _ id: String, tags: [String]? = nil, metadata: Value? = nil
  ) throws(StoreError) -> Run {
    try Checks.runID(id, limits)
    let newTags = try tags.map { tags throws(StoreError) in try checked(tags) }
    let newMetadata = try metadata.map { value throws(StoreError) in
      try Metadata.text(value, limits)
    }
    let connection = try transaction.writing(
      operations: 1 + (newTags?.count ?? 0),
      bytes: id.utf8.count + (newMetadata?.utf8.count ?? 0) + bytes(of: newTags ?? []))
    let updated = try connection.change(
      RunSQL.update, [.text(id), Bound(newTags.map(StoredJSON.text)), Bound(newMetadata)],
      thenLook: RunSQL.get
    ) { row throws(StoreError) in try RunRow(row: row) }
    guard case .some(.some(let row)) = updated else {
      _ = try known(id, connection)
      try RunGuard.check(run: id, on: connection)
      throw Excess.fault(.internal, "A run could not be updated.")
    }
    var steps: [Step] = []
    if let newTags {
      steps.append(Step(RunSQL.removeTags, [.integer(row.number)]))
      let created = row.run.createdAt.microseconds
      steps += newTags.map {
        Step(RunSQL.addTag, [.text($0), .integer(created), .integer(row.number)])
      }
    }
    _ = try connection.run(steps + [Feed.event("run", .run(id), id, "update")])
    return row.run
  }

  /// Moves a run to another state.
  ///
  /// - Parameters:
  ///   - event: What happened to it.
  ///   - id: The run's identifier.
  ///   - error: Why it failed; kept only with ``HoldfastCore/RunEvent/fail``.
  /// - Returns: The run as it is now.
  /// - Throws: ``StoreError`` with `not_found`, or `invalid_state` for a step that is not possible.
  @discardableResult
  public func apply(
    _ event: RunEvent, to id: String, error: String? = nil
  ) throws(StoreError) -> Run {
    try Checks.runID(id, limits)
    if let error { try Checks.text(error, "error", bytesMax: limits.descriptionBytesMax) }
    let connection = try transaction.writing(bytes: id.utf8.count + (error?.utf8.count ?? 0))
    let row = try known(id, connection)
    var state = RunState(status: row.run.status, completedAt: row.run.completedAt)
    try state.apply(event, at: row.now)
    if event == .archive { try OwnedParts.checkArchiving(id, on: connection) }
    let kept = event == .fail ? error : row.run.error
    _ = try connection.run([
      Step(
        RunSQL.setStatus,
        [
          .text(id), .text(state.status.rawValue), Bound(kept),
          Bound(state.completedAt?.microseconds),
        ]),
      Feed.event("run", .run(id), id, event.rawValue),
    ])
    return try known(id, connection).run
  }

  /// Deletes a run and makes all that is under it unseen, at once.
  ///
  /// One row stays for ever, so that beginning or writing the id again is `invalid_state`. Child
  /// runs outlive their parent and keep its id. A run that never began but has data may be deleted
  /// too.
  ///
  /// - Parameter id: The run's identifier.
  /// - Throws: ``StoreError`` with `not_found` for a run that is not there and has no data,
  ///   `invalid_state` for one that was deleted already.
  public func delete(_ id: String) throws(StoreError) {
    try Checks.runID(id, limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    try connection.shut(NamespaceDoor.numbers(of: .run(id), below: true))
    try RunGuard.check(deleted: id, on: connection)
    let row = try find(id, connection)
    let namespaces = NamespacesTransaction(transaction: transaction)
    let cleared = try namespaces.clearAll(under: .run(id), on: connection)
    let removed = try OwnedParts.remove(.run(id), in: transaction)
    guard row != nil || cleared > 0 || removed > 0 else { throw missing(id) }
    try namespaces.clearRest(under: .run(id), on: connection)
    var steps = [Step(RunSQL.delete, [.text(id)])]
    if let row { steps.append(Step(RunSQL.removeTags, [.integer(row.number)])) }
    _ = try connection.run(steps + [Feed.event("run", .run(id), id, "delete", below: true)])
  }

  /// What is unfinished under a run: tasks, or approvals that nobody has decided.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: It in a few words, such as `it has unfinished tasks`; `nil` where nothing is.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  package func unfinished(under id: String) throws(StoreError) -> String? {
    try Checks.runID(id, limits)
    return try OwnedParts.unfinished(id, on: transaction.reading())
  }

  private func find(_ id: String, _ connection: any Connection) throws(StoreError) -> RunRow? {
    try connection.first(RunSQL.get, [.text(id)]) { row throws(StoreError) in
      try RunRow(row: row)
    } ?? nil
  }

  private func known(_ id: String, _ connection: any Connection) throws(StoreError) -> RunRow {
    if let row = try find(id, connection) { return row }
    try RunGuard.check(deleted: id, on: connection)
    throw missing(id)
  }

  private func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such run.", hint: "Begin the run first.",
      details: ["run": .string(id)])
  }

  private func bytes(of tags: [String]) -> Int { tags.reduce(0) { $0 + $1.utf8.count } }

  /// Each tag once, in the order given.
  private func checked(_ tags: [String]) throws(StoreError) -> [String] {
    var seen: Set<Bytewise> = []
    var kept: [String] = []
    for tag in tags {
      try Checks.id(tag, "tag", limits)
      if seen.insert(Bytewise(tag)).inserted { kept.append(tag) }
    }
    return kept
  }
}

/// The steps of a run's life by name.
extension RunsTransaction {
  /// Completes an active run.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func complete(_ id: String) throws(StoreError) -> Run { try apply(.complete, to: id) }

  /// Ends an active run as failed.
  ///
  /// - Parameters:
  ///   - id: The run's identifier.
  ///   - error: Why.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func fail(_ id: String, error: String? = nil) throws(StoreError) -> Run {
    try apply(.fail, to: id, error: error)
  }

  /// Cancels an active or paused run.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func cancel(_ id: String) throws(StoreError) -> Run { try apply(.cancel, to: id) }

  /// Pauses an active run.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func pause(_ id: String) throws(StoreError) -> Run { try apply(.pause, to: id) }

  /// Makes a paused run active again.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func resume(_ id: String) throws(StoreError) -> Run { try apply(.resume, to: id) }

  /// Archives a run for good: it stays readable and can no longer be written.
  ///
  /// - Parameter id: The run's identifier.
  /// - Returns: The run as it is now.
  /// - Throws: What ``apply(_:to:error:)`` throws.
  @discardableResult
  public func archive(_ id: String) throws(StoreError) -> Run { try apply(.archive, to: id) }
}
