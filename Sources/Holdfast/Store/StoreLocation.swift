import HoldfastCore

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
    /// What is neither a path nor the URL of a database; what it was is not kept.
    case unreadable
  }

  let kind: Kind

  /// A path, or a URL that begins with `postgres://` or `postgresql://`.
  ///
  /// What looks like any other URL is no path: opening it throws `invalid`, and repeats nothing of
  /// it, for it may hold a password. A file of such a name is written with `./` before it.
  ///
  /// - Parameter text: The path or the URL.
  public init(_ text: String) {
    guard let scheme = Self.scheme(of: text) else {
      kind = .file(text)
      return
    }
    switch scheme.name {
    case "postgres", "postgresql":
      kind = scheme.rest.hasPrefix("//") ? .postgres(text) : .unreadable
    case "file" where scheme.rest.hasPrefix("///"):
      kind = .file(String(scheme.rest.dropFirst(2)))
    default: kind = .unreadable
    }
  }

  /// The scheme of what is written like a URL, in small letters, and what comes after its colon.
  private static func scheme(of text: String) -> (name: String, rest: Substring)? {
    guard let colon = text.firstIndex(of: ":") else {
      // A connection string of libpq's, which is no path either and may hold a password.
      return text.contains("password=") ? ("", "") : nil
    }
    let name = text[..<colon].lowercased()
    let rest = text[text.index(after: colon)...]
    let isWord = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: "+-.".utf8.contains(byte)
      }
    }
    let isKnown = ["", "file", "postgres", "postgresql", "sqlite", "http", "https"].contains(name)
    let isURL = text.contains("://") || (isWord && (isKnown || rest.hasPrefix("/")))
    return isURL || text.contains("password=") ? (name, rest) : nil
  }

  static let unreadable = StoreError(
    .invalid, "The address of the store is neither a path nor the URL of a database.",
    hint: """
      Give the path of a file, with ./ before it where its name has a colon, or \
      postgres://USER:PASSWORD@HOST/DATABASE.
      """)

  /// A path, or a URL that begins with `postgres://`.
  public init(stringLiteral value: String) { self.init(value) }

  private init(kind: Kind) { self.kind = kind }

  /// A private SQLite file in the system's folder for temporary files; it goes when the store
  /// closes.
  public static let temporary = StoreLocation(kind: .temporary)

  /// Whether it is the path of a file.
  package var isFile: Bool {
    if case .file = kind { true } else { false }
  }

  /// The location without a password, for logs and health.
  public var summary: String {
    switch kind {
    case .file(let path): path
    case .temporary: "a temporary file"
    case .unreadable: "an address that cannot be read"
    case .postgres(let url):
      // Everything up to the last `@` before the path may be a secret, and so may the query.
      "postgres://"
        + (url.split(separator: "?", maxSplits: 1).first ?? "")
        .drop { $0 != "/" }.dropFirst(2).split(separator: "@").suffix(1).joined()
    }
  }
}
