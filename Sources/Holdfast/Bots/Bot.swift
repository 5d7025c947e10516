public import HoldfastCore
import HoldfastEngine

/// A bot: an agent that outlives its runs.
///
/// Its keys lie under `bot:ID`.
public struct Bot: Sendable, Equatable, Codable {
  /// The bot's identifier.
  public let id: String
  /// A short name that no other bot has.
  public let slug: String
  /// What people call it.
  public let name: String
  /// What the caller keeps with it: an object.
  public let metadata: Value
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was created.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
}

extension Bot {
  init(row: Row) throws(StoreError) {
    self.init(
      id: row.text(0), slug: row.text(1), name: row.text(2),
      metadata: try ValueText.decode(row.text(3)), version: row.integer(4),
      createdAt: Instant(microseconds: row.integer(5)),
      updatedAt: Instant(microseconds: row.integer(6)))
  }
}

/// The statements behind bots.
enum BotSQL {
  /// What every statement that gives bots gives, in the order in which a bot is read.
  static let columns = "id, slug, name, metadata, version, created_at, updated_at"

  /// $1 id, $2 slug, $3 name, $4 metadata.
  static let create = Statement(
    """
    INSERT INTO bots (id, slug, name, metadata, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, holdfast_revision(), holdfast_now(), holdfast_now())
    ON CONFLICT DO NOTHING
    """)

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM bots
    WHERE id = $1
    """)

  /// $1 slug.
  static let getBySlug = Statement(
    """
    SELECT \(columns)
    FROM bots
    WHERE slug = $1
    """)

  /// $1 the slug after which it goes on, $2 how many.
  static let list = Statement(
    """
    SELECT \(columns)
    FROM bots
    WHERE slug > $1
    ORDER BY slug
    LIMIT CAST($2 AS BIGINT)
    """)

  /// Writes what is not NULL; the slug has a statement of its own, for it stands in an index.
  /// Only PostgreSQL's text gives the row; see `Connection.change`.
  ///
  /// $1 id, $2 name, $3 metadata.
  static let update = Statement(
    sqlite: """
      UPDATE bots
      SET name = COALESCE(CAST($2 AS TEXT), name), metadata = COALESCE(CAST($3 AS TEXT), metadata),
        version = holdfast_revision(), updated_at = holdfast_now()
      WHERE id = $1
      """,
    postgres: """
      UPDATE bots
      SET name = COALESCE(CAST($2 AS TEXT), name), metadata = COALESCE(CAST($3 AS TEXT), metadata),
        version = holdfast_revision(), updated_at = holdfast_now()
      WHERE id = $1
      RETURNING \(columns)
      """)

  /// $1 id, $2 slug.
  static let setSlug = Statement(
    """
    UPDATE bots
    SET slug = $2
    WHERE id = $1
    """)

  /// $1 id.
  static let delete = Statement(
    """
    DELETE FROM bots
    WHERE id = $1
    """)
}
