import Crypto
public import HoldfastCore
import HoldfastEngine

/// An access token, without its secret: only the SHA-256 of that is stored.
public struct Token: Sendable, Equatable {
  /// The token's name, which stands for its holder in every record.
  public let name: String
  /// What its holder may do.
  public let role: Role
  /// The namespaces that its holder may use; empty for all.
  public let patterns: [NamespacePattern]
  /// The first characters of the secret, to tell tokens apart.
  public let prefix: String
  /// When it was made.
  public let createdAt: Instant
  /// From when on it is refused.
  public let expiresAt: Instant?

  /// Whether the holder may use a namespace.
  ///
  /// - Parameter namespace: The namespace.
  /// - Returns: Whether one of the patterns matches.
  public func reaches(_ namespace: Namespace) -> Bool {
    patterns.isEmpty || patterns.contains { $0.matches(namespace) }
  }
}

/// A token that was just made, with the secret that is shown this once.
public struct IssuedToken: Sendable {
  /// What the holder sends: `hf_` and 43 characters.
  public let secret: String
  /// What the store keeps.
  public let token: Token
}

extension Token {
  /// How a secret begins.
  static let secretPrefix = "hf_"
  /// How many characters of a secret are stored in clear.
  static let shownCharacters = 8

  init(row: Row) throws(StoreError) {
    guard let role = Role(rawValue: row.text(1)) else {
      throw StoreError(.corrupt, "A token's row has an unknown role.")
    }
    self.init(
      name: row.text(0), role: role, patterns: try Self.patterns(row.text(2)),
      prefix: row.text(3), createdAt: Instant(microseconds: row.integer(4)),
      expiresAt: row.optionalInteger(5).map(Instant.init(microseconds:)))
  }

  init?(columns: [Bound]) throws(StoreError) {
    guard columns.count == 6, let name = columns[0].text,
      let role = columns[1].text.flatMap(Role.init(rawValue:)), let patterns = columns[2].text,
      let prefix = columns[3].text, let created = columns[4].integer
    else { return nil }
    self.init(
      name: name, role: role, patterns: try Self.patterns(patterns), prefix: prefix,
      createdAt: Instant(microseconds: created),
      expiresAt: columns[5].integer.map(Instant.init(microseconds:)))
  }

  private static func patterns(_ text: String) throws(StoreError) -> [NamespacePattern] {
    var patterns: [NamespacePattern] = []
    for text in try StoredJSON.strings(text) { patterns.append(try NamespacePattern(text)) }
    return patterns
  }

  /// Checks a secret that comes from outside.
  ///
  /// - Parameter secret: The secret.
  /// - Throws: ``StoreError`` with `invalid` for one that is too short.
  package static func check(secret: String) throws(StoreError) {
    guard secret.utf8.count < 20 else { return }
    throw StoreError(
      .invalid, "A token's secret is at least 20 bytes long.",
      hint: "Choose a longer one, or let Holdfast make it.")
  }

  /// A new secret: 256 random bits.
  ///
  /// - Parameter ids: Where chance comes from.
  /// - Returns: `hf_` and 43 characters.
  package static func makeSecret(_ ids: any IDSource) -> String {
    var bytes: [UInt8] = []
    for _ in 0..<4 {
      let word = UInt64(bitPattern: ids.random(in: .min ... .max))
      withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
    return secretPrefix + Base64.encodeURL(bytes)
  }

  static func digest(_ secret: String) -> [UInt8] {
    Array(SHA256.hash(data: Array(secret.utf8)))
  }
}

/// The statements behind tokens; columns: name, role, patterns, prefix, created, expires.
enum TokenSQL {
  /// $1 name, $2 role, $3 patterns, $4 prefix, $5 digest, $6 time to live or NULL.
  static let create = Statement(
    """
    INSERT INTO tokens (name, role, patterns, prefix, digest, version, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, holdfast_revision(), holdfast_now(),
      holdfast_now() + CAST($6 AS BIGINT))
    ON CONFLICT DO NOTHING
    RETURNING name, role, patterns, prefix, created_at, expires_at
    """)

  /// $1 the name after which it goes on, $2 how many.
  static let list = Statement(
    """
    SELECT name, role, patterns, prefix, created_at, expires_at
    FROM tokens
    WHERE name > $1 AND revoked_at IS NULL
    ORDER BY name
    LIMIT CAST($2 AS BIGINT)
    """)

  /// $1 name.
  ///
  /// The row stays: a secret that was revoked is never accepted again.
  static let revoke = Statement(
    """
    UPDATE tokens
    SET revoked_at = holdfast_now(), version = holdfast_revision()
    WHERE name = $1 AND revoked_at IS NULL
    """)

  /// $1 digest; whether a token has or had it.
  static let known = Statement(
    """
    SELECT 1
    FROM tokens
    WHERE digest = $1
    """)

  /// $1 digest.
  ///
  /// Expired ones too, for the map of hot entries.
  static let find = Statement(
    """
    SELECT name, role, patterns, prefix, created_at, expires_at
    FROM tokens
    WHERE digest = $1 AND revoked_at IS NULL
    """)

  /// $1 digest.
  static let findLive = Statement(
    """
    SELECT name, role, patterns, prefix, created_at, expires_at
    FROM tokens
    WHERE digest = $1 AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > holdfast_now())
    """)

  static let hasAdmin = Statement(
    """
    SELECT CASE WHEN EXISTS (
      SELECT 1 FROM tokens
      WHERE role = 'admin' AND patterns = '[]' AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > holdfast_now()))
      THEN 1 ELSE 0 END
    """)
}
