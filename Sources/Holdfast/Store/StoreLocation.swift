/// Where a store lives: a SQLite file, a PostgreSQL database, or a private file that goes at close.
///
/// ```swift
/// let store = try await Store.open("agents.db")
/// let shared = try await Store.open("postgres://agents@db.example/holdfast")
/// let scratch = try await Store.open(.temporary)
/// ```
public struct StoreLocation: Sendable, ExpressibleByStringLiteral {
  enum Kind: Sendable {
    case file(String)
    case postgres(String)
    case temporary
  }

  let kind: Kind

  /// A path, or a URL that begins with `postgres://` or `postgresql://`.
  ///
  /// - Parameter text: The path or the URL.
  public init(_ text: String) {
    let isPostgres = text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    if isPostgres {
      kind = .postgres(text)
    } else if text.hasPrefix("file://") {
      kind = .file(String(text.dropFirst("file://".count)))
    } else {
      kind = .file(text)
    }
  }

  /// A path, or a URL that begins with `postgres://`.
  public init(stringLiteral value: String) { self.init(value) }

  private init(kind: Kind) { self.kind = kind }

  /// A private SQLite file in the system's folder for temporary files; it goes when the store
  /// closes.
  public static let temporary = StoreLocation(kind: .temporary)

  /// The location without a password, for logs and health.
  public var summary: String {
    switch kind {
    case .file(let path): path
    case .temporary: "a temporary file"
    case .postgres(let url):
      // Everything up to the last `@` before the path may be a secret, and so may the query.
      "postgres://"
        + (url.split(separator: "?", maxSplits: 1).first ?? "")
        .drop { $0 != "/" }.dropFirst(2).split(separator: "@").suffix(1).joined()
    }
  }
}
