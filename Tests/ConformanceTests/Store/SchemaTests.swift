import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// The tables are a promise: any SQL tool can read the store.
@Suite(.timeLimit(.minutes(5))) struct SchemaTests {
  /// Every table and view, and behind each its columns.
  private static let promise = """
    approval_policies
      permission mode grants term set_by version created_at updated_at
    approvals
      number id task run caller permission action resource channel thread status decision
      decided_by by reason digest policy grant_id asks_grant version requested_at expires_at
      decided_at usable_until consumed_at closed_at history parameters
    audit_chains
      chain number mac keyed seal
    audit_checkpoints
      chain kind number mac before seal
    audit_log
      chain number time imported_at actor by action subject bot run memory result details
      previous mac
    bots
      number id slug name metadata version created_at updated_at
    changes
      position revision kind namespace subject operation below at
    chunks
      digest size content
    dead_letters
      number id source task run channel thread status retry_count next_retry_at given_up_at
      resolved_at replayed_as version created_at updated_at error history history_dropped
      message
    file_chunks
      file_id number position digest
    file_numbers
      namespace name last_number
    file_versions
      file_id number media_type size digest chunk_bytes version created_at
    files
      id namespace name media_type size number digest indexed versions first_number
      swept_number version created_at updated_at deleted_at
    grants
      number id permission task run source term approval granted_by version created_at
      expires_at revoked_at revoked_by
    idempotency
      owner key digest response created_at
    kv
      namespace_id key version created_at updated_at expires_at description value
    leases
      name owner expires_at
    live_kv
      namespace key value version created_at updated_at expires_at description
    meta
      name value
    namespaces
      id name run_id created_at cleared_at
    orphan_chunks
      digest since
    provider_health
      name priority circuit consecutive_failures consecutive_successes opened_at wait
      openings probe_token probe_expires_at rate_limited_until last_error last_latency
      last_success_at total_successes total_failures up_since version created_at updated_at
    retention_policies
      kind namespace over_size keep_for keep_last max_bytes version created_at updated_at
    run_tags
      tag created_at number
    runs
      number id status parent tags metadata error version created_at updated_at completed_at
      deleted_at
    session_clearings
      session below
    session_contexts
      number id run channel thread user_id first_position next_position item_count version
      created_at last_used_at last_use data
    session_items
      session position created_at item
    task_steps
      task position name recorded_at result
    tasks
      number id queue command status priority caller response_channel response_thread run
      attempt max_attempts retry_base retry_cap run_at lease_owner lease_expires_at
      lease_duration fencing_token unique_key source version created_at updated_at
      started_at completed_at error parameters progress result
    thread_sessions
      channel thread session_key version created_at last_message_at data
    tokens
      number name role patterns prefix digest version created_at expires_at revoked_at
    """

  /// The columns of each table, as they are promised.
  private static func promised(on engine: TestEngine) -> [String: Set<String>] {
    var tables: [String: Set<String>] = [:]
    var table = ""
    for line in promise.split(separator: "\n") {
      if line.hasPrefix(" ") {
        tables[table] = (tables[table] ?? []).union(line.split(separator: " ").map(String.init))
      } else {
        table = String(line)
      }
    }
    // The server numbers its transactions, and the feed there is in the order of these numbers.
    if engine == .postgres { tables["changes"]?.insert("writer") }
    return tables
  }

  /// Columns: table, column, type.
  private static let found = Statement(
    sqlite: """
      SELECT t.name, c.name, c.type
      FROM sqlite_schema AS t
      JOIN pragma_table_info(t.name) AS c
      WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite@_%' ESCAPE '@'
      """,
    postgres: """
      SELECT table_name::TEXT, column_name::TEXT, UPPER(data_type::TEXT)
      FROM information_schema.columns
      WHERE table_schema = current_schema()
      """)

  /// Goal: whoever reads the store with an SQL tool finds the same tables and columns on both
  /// databases and in every version; times are whole numbers, microseconds since 1970.
  ///
  /// Method: what either database says of its tables, against a list.
  @Test(arguments: Engines.available)
  func `tables and their columns are as promised`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      var tables: [String: Set<String>] = [:]
      var times = 0
      for row in try await test.store.engine.read(Step(Self.found)).rows {
        let texts = row.compactMap(\.text)
        try #require(texts.count == 3, "\(row)")
        tables[texts[0], default: []].insert(texts[1])
        guard texts[1].hasSuffix("_at") else { continue }
        times += 1
        #expect(["INTEGER", "BIGINT"].contains(texts[2]), "\(texts)")
      }
      let promised = Self.promised(on: engine)
      #expect(Set(tables.keys) == Set(promised.keys))
      for (table, columns) in promised { #expect(tables[table] == columns, "\(table)") }
      #expect(times > 40)
    }
  }
}
