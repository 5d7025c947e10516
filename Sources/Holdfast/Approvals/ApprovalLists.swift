public import HoldfastCore
import HoldfastEngine

/// The lists of approvals.
extension ApprovalsTransaction {
  /// Lists one page of approvals, the newest request first.
  ///
  /// - Parameter query: Which approvals.
  /// - Returns: The approvals as they stand now, and where the next page begins; a page ends early
  ///   past 8 MiB of parameters.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: ApprovalQuery = ApprovalQuery()) throws(StoreError) -> Page<Approval> {
    let limit = try limits.pageItems(query.limit)
    if let caller = query.caller { try Checks.id(caller, "caller", limits) }
    if let task = query.task { try Checks.id(task, "task id", limits) }
    if let run = query.run { try Checks.runID(run, limits) }
    let place = try TimePlace(.approvals, after: query.after, until: query.until)
    let statement =
      switch (query.task, query.run, query.caller, query.status) {
      case (.some, _, _, _): ApprovalListSQL.byTask
      case (nil, .some, _, _): ApprovalListSQL.byRun
      case (nil, nil, .some, _): ApprovalListSQL.byCaller
      case (nil, nil, nil, .expired): ApprovalListSQL.undecided
      case (nil, nil, nil, .some): ApprovalListSQL.byStatus
      case (nil, nil, nil, nil): ApprovalListSQL.byTime
      }
    return try page(
      statement,
      [
        .integer(place.time), .integer(place.number),
        .integer(query.since?.microseconds ?? .min), Bound(query.status?.rawValue),
        Bound(query.caller), Bound(query.task), Bound(query.run), .integer(Int64(limit) + 1),
      ], .approvals, limit)
  }

  /// Lists the approvals that nobody decided and that were requested at least so long ago, the
  /// oldest first, whether their own time is over or not.
  ///
  /// - Parameters:
  ///   - age: How long ago at least, 1 ms to 10 years.
  ///   - cursor: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The approvals as they stand now, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for an age or a limit out of range, or a cursor from
  ///   elsewhere.
  public func expired(
    maxAge age: Duration, after cursor: String? = nil, limit: Int? = nil
  ) throws(StoreError) -> Page<Approval> {
    let limit = try limits.pageItems(limit)
    try Checks.lifetime(age, limits)
    let place = try TimePlace(.agedApprovals, after: cursor, since: nil)
    return try page(
      ApprovalListSQL.aged,
      [
        .integer(place.time), .integer(place.number), .integer(age.microseconds),
        .integer(Int64(limit) + 1),
      ], .agedApprovals, limit)
  }

  /// Reads up to `limit` rows, and one more to know whether there are more; ends early where the
  /// parameters grow past the bound of a page.
  private func page(
    _ statement: Statement, _ bindings: [Bound], _ list: ListCursor.List, _ limit: Int
  ) throws(StoreError) -> Page<Approval> {
    let rows = try transaction.reading().page(
      statement, bindings, limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      let row = try ApprovalRow(row: row)
      return (row, row.bytes)
    }
    let last = rows.items.last.map {
      TimePlace(list, time: $0.approval.requestedAt.microseconds, number: $0.number)
    }
    return Page(items: rows.items.map(\.approval), next: rows.isMore ? last?.token : nil)
  }
}
