import HoldfastCore
import HoldfastEngine

/// The statements behind keys.
///
/// Invariants: a row counts only while it is live: its namespace is not cleared, and it has not
/// expired at `holdfast_now()`. Writes refuse a namespace whose run is archived or deleted. Of the
/// statements that one write sends together, each looks at the same conditions, so that none takes
/// effect without the others.
enum KeyValueSQL {
  /// Whether a key is of the namespace $1.
  ///
  /// A number that is looked up once, and no join: of a join PostgreSQL does not know that it meets
  /// one namespace, and would read and sort all keys of it for one page.
  private static let isOfNamespace = """
    k.namespace_id = (
          SELECT n.id FROM namespaces AS n WHERE n.name = $1 AND n.cleared_at IS NULL)
    """

  /// $1 namespace, $2 key.
  static let get = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description, k.value
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key = $2
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    """)

  /// What the map of hot entries keeps, expired rows included: expiry is no change of the database.
  ///
  /// $1 namespace, $2 key.
  static let getWithExpired = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description, k.value
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key = $2
    """)

  /// PostgreSQL's put: writes a row and its events, and says whether the key is new.
  ///
  /// One statement, because it must not look for the key first: a look locks the page of the index
  /// for SSI, and most writers whose keys lie on one page would fail. So it learns from the write
  /// itself what was there: a new row has no `xmax`, and a setting of the transaction tells that
  /// the old row had expired. Where the row is new, and the transaction's snapshot still shows one,
  /// somebody has removed that one meanwhile, with a revision that may be higher than this one: the
  /// transaction runs again.
  ///
  /// It enters the door of its namespace, and runs again where a clear has it shut. Whether the
  /// namespace was cleared since the snapshot was taken the snapshot cannot tell; a row of the same
  /// number that is not inserted, because it is there, can: where what is there is not what the
  /// snapshot shows, the database ends the transaction as one that met another.
  ///
  /// $1 namespace, $2 key, $3 the version that must be there (NULL any, 0 none), $4 value, $5 time
  /// to live in microseconds or NULL, $6 description (NULL keeps the old one, empty clears it), $7
  /// whether an old expiry stays, $8 the namespace's door.
  static let put = Statement(
    sqlite: "",
    postgres: """
      WITH written AS (
        INSERT INTO kv AS k
          (namespace_id, key, version, created_at, updated_at, expires_at, description, value)
        SELECT n.id, $2, holdfast_revision(), holdfast_now(), holdfast_now(),
          holdfast_now() + CAST($5 AS BIGINT), NULLIF(CAST($6 AS TEXT), ''), $4
        FROM namespaces AS n
        WHERE n.name = $1 AND n.cleared_at IS NULL
          AND \(isInside("$8"))
          AND NOT EXISTS (
            SELECT 1 FROM runs AS r
            WHERE r.id = n.run_id AND r.status IN ('archived', 'deleted'))
          AND (CAST($3 AS BIGINT) IS NULL OR CAST($3 AS BIGINT) = COALESCE((
            SELECT o.version FROM kv AS o
            WHERE o.namespace_id = n.id AND o.key = $2
              AND (o.expires_at IS NULL OR o.expires_at > holdfast_now())), 0))
        ON CONFLICT (namespace_id, key) DO UPDATE SET
          version = excluded.version,
          created_at = CASE set_config(
              'holdfast.expired',
              CASE WHEN k.expires_at <= excluded.updated_at THEN '1' ELSE '0' END, true)
            WHEN '1' THEN excluded.created_at ELSE k.created_at END,
          updated_at = excluded.updated_at,
          expires_at = CASE
            WHEN CAST($7 AS BIGINT) = 1 AND k.expires_at > excluded.updated_at THEN k.expires_at
            ELSE excluded.expires_at END,
          description = CASE
            WHEN CAST($6 AS TEXT) IS NULL
              AND (k.expires_at IS NULL OR k.expires_at > excluded.updated_at)
            THEN k.description ELSE excluded.description END,
          value = excluded.value
        RETURNING namespace_id, version, created_at, updated_at, expires_at, description,
          CASE WHEN xmax = 0 THEN 'new'
            WHEN current_setting('holdfast.expired') = '1' THEN 'expired' ELSE 'old' END AS was
      ), entered AS (
        INSERT INTO changes (revision, kind, namespace, subject, operation, at)
        SELECT w.version, 'kv', CAST($1 AS TEXT), CAST($2 AS TEXT), e.operation, w.updated_at
        FROM written AS w
        CROSS JOIN (VALUES (1, 'expired'), (2, 'put')) AS e (place, operation)
        WHERE e.place = 2 OR w.was = 'expired'
        ORDER BY e.place
      ), met AS (
        INSERT INTO namespaces (id, name, created_at)
        SELECT w.namespace_id, $1, w.updated_at
        FROM written AS w
        ON CONFLICT (id) DO NOTHING
        RETURNING holdfast_again()
      )
      SELECT version, created_at, updated_at, expires_at, description,
        CASE
          WHEN was = 'old' THEN 0
          WHEN was = 'new' AND EXISTS (
              SELECT 1
              FROM namespaces AS n
              JOIN kv AS o ON o.namespace_id = n.id
              WHERE n.name = $1 AND n.cleared_at IS NULL AND o.key = $2)
            THEN holdfast_again()
          ELSE 1
        END
      FROM written
      """)

  /// Whether the door is entered: it is, or the transaction runs again.
  ///
  /// A call in a condition, so that the door is entered only where there is a row to write.
  private static func isInside(_ door: String) -> String {
    """
    CASE WHEN pg_try_advisory_xact_lock_shared(
        current_setting('holdfast.doors')::BIGINT | CAST(\(door) AS BIGINT))
      THEN TRUE ELSE holdfast_again() = 0 END
    """
  }

  /// Enters the door of a namespace on PostgreSQL, for a change that is no put, and makes sure that
  /// the namespace was not cleared since the snapshot was taken; see ``put``.
  ///
  /// $1 namespace, $2 the namespace's door.
  static let enter = Statement(
    sqlite: "",
    postgres: """
      INSERT INTO namespaces (id, name, created_at)
      SELECT n.id, n.name, n.created_at
      FROM namespaces AS n
      WHERE n.name = $1 AND n.cleared_at IS NULL AND \(isInside("$2"))
      ON CONFLICT (id) DO NOTHING
      RETURNING holdfast_again()
      """)

  /// What SQLite's put finds before it writes: the namespace's row, what is there of the key (NULL
  /// for a new one), the time, and the revision, which is drawn only where the condition holds.
  ///
  /// A look and a plain write, not one upsert with RETURNING: for its rows SQLite makes a table of
  /// its own each time, which costs more than all the rest. Nobody else writes in between.
  ///
  /// $1 namespace, $2 key, $3 the version that must be there (NULL any, 0 none).
  static let findBeforePut = Statement(
    """
    SELECT n.id, k.created_at, k.expires_at, k.description, holdfast_now(),
      CASE WHEN CAST($3 AS BIGINT) IS NULL OR CAST($3 AS BIGINT) = CASE
          WHEN k.expires_at <= holdfast_now() THEN 0 ELSE COALESCE(k.version, 0) END
        THEN holdfast_revision() END
    FROM namespaces AS n
    LEFT JOIN kv AS k ON k.namespace_id = n.id AND k.key = $2
    WHERE n.name = $1 AND n.cleared_at IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.id = n.run_id AND r.status IN ('archived', 'deleted'))
    """)

  /// Writes a new row on SQLite.
  ///
  /// $1 the namespace's row, $2 key, $3 version, $4 now, $5 value, $6 expiry, $7 description, $8
  /// the time of creation.
  static let insert = Statement(
    """
    INSERT INTO kv
      (namespace_id, key, version, updated_at, value, expires_at, description, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """)

  /// Writes a row anew on SQLite, with the parameters of ``insert``.
  static let replace = Statement(
    """
    UPDATE kv
    SET version = $3, updated_at = $4, value = $5, expires_at = $6, description = $7,
      created_at = $8
    WHERE namespace_id = $1 AND key = $2
    """)

  /// The same where expiry, description and creation stay, so that the index of expiries is left
  /// alone; with the first five parameters of ``insert``.
  static let replaceValue = Statement(
    """
    UPDATE kv
    SET version = $3, updated_at = $4, value = $5
    WHERE namespace_id = $1 AND key = $2
    """)

  /// The event of a change that took place: the row bears this transaction's revision.
  ///
  /// $1 namespace, $2 key.
  static let putEvent = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, at)
    SELECT k.version, 'kv', n.name, k.key, 'put', k.updated_at
    FROM namespaces AS n
    JOIN kv AS k ON k.namespace_id = n.id
    WHERE n.name = $1 AND n.cleared_at IS NULL AND k.key = $2
      AND k.version = holdfast_revision()
    """)

  /// $1 namespace, $2 its run or NULL.
  static let makeNamespace = Statement(
    """
    INSERT INTO namespaces (name, run_id, created_at)
    VALUES ($1, $2, holdfast_now())
    ON CONFLICT (name) WHERE cleared_at IS NULL DO NOTHING
    """)

  /// $1 namespace.
  static let findNamespace = Statement(
    """
    SELECT id
    FROM namespaces
    WHERE name = $1 AND cleared_at IS NULL
    """)

  /// $1 namespace, $2 key, $3 the version that must be there or NULL.
  static let delete = Statement(
    """
    DELETE FROM kv
    WHERE key = $2
      AND namespace_id = (
        SELECT n.id FROM namespaces AS n
        WHERE n.name = $1 AND n.cleared_at IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM runs AS r
            WHERE r.id = n.run_id AND r.status IN ('archived', 'deleted')))
      AND (expires_at IS NULL OR expires_at > holdfast_now())
      AND (CAST($3 AS BIGINT) IS NULL OR version = CAST($3 AS BIGINT))
    RETURNING version
    """)

  /// The event of a delete that is about to take place.
  ///
  /// $1 namespace, $2 key, $3 the version that must be there or NULL.
  static let deleteEvent = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, at)
    SELECT holdfast_revision(), 'kv', CAST($1 AS TEXT), k.key, 'delete', holdfast_now()
    FROM kv AS k
    WHERE k.key = $2
      AND k.namespace_id = (
        SELECT n.id FROM namespaces AS n
        WHERE n.name = $1 AND n.cleared_at IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM runs AS r
            WHERE r.id = n.run_id AND r.status IN ('archived', 'deleted')))
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
      AND (CAST($3 AS BIGINT) IS NULL OR k.version = CAST($3 AS BIGINT))
    """)

  /// Sets or removes the expiry of a live key.
  ///
  /// $1 namespace, $2 key, $3 time to live in microseconds, or NULL to remove it.
  static let setExpiry = Statement(
    """
    UPDATE kv
    SET version = holdfast_revision(), updated_at = holdfast_now(),
      expires_at = holdfast_now() + CAST($3 AS BIGINT)
    WHERE key = $2
      AND namespace_id = (
        SELECT n.id FROM namespaces AS n WHERE n.name = $1 AND n.cleared_at IS NULL)
      AND (expires_at IS NULL OR expires_at > holdfast_now())
    RETURNING key, version, created_at, updated_at, expires_at, description, value
    """)

  /// $1 namespace, $2 first key, $3 the key before which it ends.
  static let count = Statement(
    """
    SELECT COUNT(*)
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key >= $2 AND k.key < $3
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    """)

  /// $1 namespace, $2 first key, $3 the key before which it ends, $4 how many.
  static let list = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key >= $2 AND k.key < $3
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    ORDER BY k.key
    LIMIT CAST($4 AS BIGINT)
    """)

  /// The same with the values, which the other does not touch: they may be long.
  static let listWithValues = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description, k.value
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key >= $2 AND k.key < $3
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    ORDER BY k.key
    LIMIT CAST($4 AS BIGINT)
    """)

  /// From the last key to the first; $5 says whether the values come along.
  static let listReversed = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description,
      CASE WHEN CAST($5 AS BIGINT) = 1 THEN k.value END
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key >= $2 AND k.key < $3
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    ORDER BY k.key DESC
    LIMIT CAST($4 AS BIGINT)
    """)

  /// The newest first, ties by version, then key.
  ///
  /// $1 namespace, $2 first key, $3 the key before
  /// which it ends, $4 how many, $5 with values, $6 to $8 the place after which it goes on:
  /// updated, version, key.
  static let listByUpdate = Statement(
    """
    SELECT k.key, k.version, k.created_at, k.updated_at, k.expires_at, k.description,
      CASE WHEN CAST($5 AS BIGINT) = 1 THEN k.value END
    FROM kv AS k
    WHERE \(isOfNamespace) AND k.key >= $2 AND k.key < $3
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
      AND k.updated_at <= CAST($6 AS BIGINT)
      AND (k.updated_at < CAST($6 AS BIGINT)
        OR k.version < CAST($7 AS BIGINT)
        OR (k.version = CAST($7 AS BIGINT) AND k.key > $8))
    ORDER BY k.updated_at DESC, k.version DESC, k.key
    LIMIT CAST($4 AS BIGINT)
    """)
}

/// Bounds of keys, made so that every list is "from this key on, before that key".
enum KeyBounds {
  /// Longer than any key of this kind can be, and above every other.
  static let end = String(repeating: "\u{10FFFF}", count: 257)

  /// Checks a prefix or a bound, which no text column could take with NUL in it.
  ///
  /// - Parameter bound: The prefix or the bound.
  /// - Throws: `invalid` for one with NUL.
  static func check(_ bound: String) throws(StoreError) {
    guard !bound.utf8.contains(0) else {
      throw StoreError(
        .invalid, "A prefix or a bound of a list holds no NUL.", hint: "Leave it out.",
        details: ["reason": "nul"])
    }
  }

  /// The least key above this one.
  ///
  /// Keys hold no NUL, so nothing lies between a key and the key with
  /// U+0001 behind it.
  static func after(_ key: String) -> String { key + "\u{1}" }

  /// The first key that no longer has this prefix: the last scalar that can be raised is raised.
  static func end(ofPrefix prefix: String) -> String {
    var scalars = Array(prefix.unicodeScalars)
    while let last = scalars.popLast() {
      guard last.value < 0x10FFFF else { continue }
      let raised = last.value == 0xD7FF ? 0xE000 : last.value + 1
      guard let scalar = Unicode.Scalar(raised) else { continue }
      var text = String.UnicodeScalarView(scalars)
      text.append(scalar)
      return String(text)
    }
    return end
  }
}
