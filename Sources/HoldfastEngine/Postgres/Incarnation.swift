import HoldfastCore

/// Begins a new incarnation of a store: at its creation, and where the data finds itself in another
/// cluster, database or schema than the one that it remembers (a dump was restored, a cluster copied).
///
/// Transaction ids mean nothing elsewhere, so the feed of the old incarnation is closed: its rows, all
/// at or below the then-largest position, are never read again, and its cursors are answered with
/// `trimmed`. Revisions move well past the largest that is stored, so that versions go on growing even
/// where the copy was older than what somebody had already seen.
struct Incarnation {
  let session: Session
  let identity: StoreIdentity
  let options: EngineOptions

  /// Begins it, under the store's exclusive lock.
  func begin() throws(StoreError) {
    let id = options.ids.makeID(at: options.time.wallTime())
    try session.run(script: Self.moveOn, patience: .seconds(3_600))
    var pipeline = Pipeline()
    pipeline.add(Self.begin)
    pipeline.add(Self.forget)
    for (name, value) in [("feed.incarnation", id), ("feed.origin", identity.origin)] {
      pipeline.add(Self.set, [.text(name), .text(value)])
    }
    pipeline.add(Self.setFloor)
    let end = pipeline.add(Self.commit)
    pipeline.sync()
    let answer = session.run(pipeline)
    _ = try answer.result(end)
  }

  /// Only for a store that had an incarnation before.
  ///
  /// Which tables carry versions is read from the
  /// catalogue, so that a later migration's tables are not forgotten here.
  private static let moveOn = """
    SET statement_timeout = 0;
    DO $holdfast$
    DECLARE
      stored BIGINT := 0;
      largest BIGINT;
      place RECORD;
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM meta WHERE name = 'feed.incarnation') THEN
        RETURN;
      END IF;
      FOR place IN
        SELECT c.relname, a.attname
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND NOT a.attisdropped
          AND a.attname IN ('version', 'revision') AND a.atttypid = 'bigint'::regtype
      LOOP
        EXECUTE format('SELECT COALESCE(MAX(%I), 0) FROM %I', place.attname, place.relname)
          INTO largest;
        stored := GREATEST(stored, largest);
      END LOOP;
      PERFORM setval('holdfast_revisions',
        GREATEST(stored, (SELECT last_value FROM holdfast_revisions)) + 1000000);
      PERFORM setval(pg_get_serial_sequence('changes', 'position'),
        nextval(pg_get_serial_sequence('changes', 'position'))
          + (SELECT COALESCE(MAX(position), 0) FROM changes));
      PERFORM setval('holdfast_time_floor',
        GREATEST((SELECT last_value FROM holdfast_time_floor),
          (SELECT COALESCE(MAX(at), 0) FROM changes)));
    END $holdfast$;
    SELECT set_config('statement_timeout', '\(Wire.statementTimeMax.microseconds / 1_000)', false);
    """

  private static let begin = Statement(sqlite: "", postgres: "BEGIN")
  private static let commit = Statement(sqlite: "", postgres: "COMMIT")

  /// Notes of the old incarnation are about transaction ids that mean nothing here.
  private static let forget = Statement(
    sqlite: "",
    postgres: "DELETE FROM meta WHERE name = 'feed.trimmed' OR name LIKE 'feed.timeline.%'")

  private static let set = Statement(
    sqlite: "",
    postgres: """
      INSERT INTO meta (name, value) VALUES ($1, $2)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """)

  private static let setFloor = Statement(
    sqlite: "",
    postgres: """
      INSERT INTO meta (name, value)
      SELECT 'feed.floor', COALESCE(MAX(position), 0)::TEXT FROM changes
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """)
}
