public import HoldfastCore
import HoldfastEngine

extension Store {
  /// The access tokens of this store.
  public var tokens: Tokens { Tokens(store: self) }
}

/// The access tokens of a store, for those who reach it over a network.
public struct Tokens: Sendable {
  let store: Store
  /// Who makes and revokes tokens, for the audit log; empty for whom the store was opened by.
  private var owner = ""

  init(store: Store) { self.store = store }

  /// The same tokens, in the hands of somebody else.
  ///
  /// - Parameter name: Who acts: an access token's name, or `local:USER`.
  /// - Returns: The tokens.
  package func acting(as name: String) -> Tokens {
    var tokens = self
    tokens.owner = name
    return tokens
  }

  private static let create = Operation("tokens.create", isWrite: true)
  private static let list = Operation("tokens.list", isWrite: false)
  private static let revoke = Operation("tokens.revoke", isWrite: true)

  /// Makes a token.
  ///
  /// Its secret is in the answer and nowhere else.
  ///
  /// - Parameters:
  ///   - name: The name of its holder, 1 to 256 bytes, which no other token has.
  ///   - role: What the holder may do.
  ///   - patterns: The namespaces that the holder may use; empty for all.
  ///   - ttl: How long the token is accepted; for ever if left out.
  ///   - secret: The secret to use, where it comes from outside; at least 20 bytes.
  /// - Returns: The token with its secret.
  /// - Throws: ``StoreError`` with `conflict` for a name that is taken or a secret that was used
  ///   before, `invalid`.
  public func create(
    _ name: String, role: Role, patterns: [NamespacePattern] = [], ttl: Duration? = nil,
    secret: String? = nil
  ) async throws(StoreError) -> IssuedToken {
    let limits = store.context.limits
    try Checks.id(name, "token name", limits)
    try Self.checkReserved(name)
    if let ttl { try Checks.lifetime(ttl, limits) }
    if let secret { try Token.check(secret: secret) }
    let secret = secret ?? Token.makeSecret(store.context.ids)
    let digest = Token.digest(secret)
    let bindings: [Bound] = [
      .text(name), .text(role.rawValue), .text(StoredJSON.text(patterns.map(\.text))),
      .text(String(secret.prefix(Token.shownCharacters))), .blob(digest),
      Bound(ttl?.microseconds),
    ]
    let token = try await store.change(Self.create, by: owner) { tx in
      let connection = try tx.writing(bytes: 256)
      let token = try connection.first(TokenSQL.create, bindings) { row throws(StoreError) in
        try Token(row: row)
      }
      guard let token else {
        if try connection.first(TokenSQL.known, [.blob(digest)], { _ in true }) ?? false {
          throw Self.usedSecret
        }
        throw StoreError(
          .conflict, "A token with this name exists already.",
          hint: "Use another name, or revoke the old token first.")
      }
      _ = try connection.run([Feed.event("token", .global, name, "create")])
      try tx.audit.record(
        AuditEntry(
          action: AuditAction.tokenCreate, subject: "token:\(name)",
          details: [
            "role": .string(role.rawValue), "namespaces": .array(patterns.map { .string($0.text) }),
            "prefix": .string(token.prefix),
            "expires_at": token.expiresAt.map { .string($0.rfc3339) } ?? .null,
          ]))
      return token
    }
    return IssuedToken(secret: secret, token: token)
  }

  /// The refusal of a secret that belongs to a token, or did until that was revoked.
  private static let usedSecret = StoreError(
    .conflict, "This secret belongs to another token, or to one that was revoked.",
    hint: "Choose another secret.", details: ["field": "secret", "reason": "used"])

  /// Whether a token with this secret was ever made here, accepted still or not.
  ///
  /// - Parameter secret: The secret.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  package func hasKnown(_ secret: String) async throws(StoreError) -> Bool {
    try await !store.engine.read(Step(TokenSQL.known, [.blob(Token.digest(secret))])).rows.isEmpty
  }

  /// Refuses names that stand for somebody else where it is told who acted.
  private static func checkReserved(_ name: String) throws(StoreError) {
    guard name.utf8.starts(with: "local:".utf8) || ["anonymous", "upkeep"].contains(name) else {
      return
    }
    throw StoreError(
      .invalid, "This name stands for somebody else in the audit log.",
      hint: "Use a name that neither begins with local: nor is anonymous or upkeep.",
      details: ["field": "name", "reason": "reserved"])
  }

  /// Lists one page of tokens by name; no secret is in it.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The tokens, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(
    after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<Token> {
    let limit = try store.context.limits.pageItems(limit)
    if let after { try Checks.id(after, "after", store.context.limits) }
    return try await store.consult(Self.list) { tx in
      let tokens = try tx.reading().all(
        TokenSQL.list, [.text(after ?? ""), .integer(Int64(limit) + 1)]
      ) { row throws(StoreError) in try Token(row: row) }
      let shown = Array(tokens.prefix(limit))
      return Page(items: shown, next: tokens.count > limit ? shown.last?.name : nil)
    }
  }

  /// Revokes a token at once, on every node.
  ///
  /// Its name is free for another token then; its secret is never accepted again.
  ///
  /// - Parameter name: Its name.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` of the engine's.
  @discardableResult
  public func revoke(_ name: String) async throws(StoreError) -> Bool {
    try await store.change(Self.revoke, by: owner) { tx in
      try Checks.id(name, "token name", tx.context.limits)
      let connection = try tx.writing(bytes: name.utf8.count)
      guard try connection.run(TokenSQL.revoke, [.text(name)]) == 1 else { return false }
      _ = try connection.run([Feed.event("token", .global, name, "revoke")])
      try tx.audit.record(
        AuditEntry(action: AuditAction.tokenRevoke, subject: "token:\(name)"))
      return true
    }
  }

  /// The token that belongs to a secret.
  ///
  /// The secret is looked up by its SHA-256, so that the time it takes tells nothing of it.
  ///
  /// - Parameter secret: What the caller sent.
  /// - Returns: The token; `nil` for an unknown, revoked or expired one.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func authenticate(_ secret: String) async throws(StoreError) -> Token? {
    let digest = Token.digest(secret)
    let kept: Kept? = try await store.engine.readHot(
      HotKey(space: "_holdfast/tokens", name: Base64.encode(digest)),
      Step(TokenSQL.find, [.blob(digest)])
    ) { result throws(StoreError) in
      guard let columns = result.rows.first, let token = try Token(columns: columns) else {
        return nil
      }
      return (Kept(token), 512)
    }
    guard let token = kept?.token, token.expiresAt != nil else { return kept?.token }
    let live = try await store.engine.read(Step(TokenSQL.findLive, [.blob(digest)]))
    return live.rows.isEmpty ? nil : token
  }

  /// Whether a token of the role admin exists that reaches every namespace: no other can administer
  /// tokens.
  ///
  /// - Returns: Whether there is one that is accepted now.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func hasAdmin() async throws(StoreError) -> Bool {
    try await store.engine.read(Step(TokenSQL.hasAdmin)).rows.first?.first?.integer == 1
  }
}

/// A token in the map of hot entries.
private final class Kept: Sendable {
  let token: Token

  init(_ token: Token) { self.token = token }
}
