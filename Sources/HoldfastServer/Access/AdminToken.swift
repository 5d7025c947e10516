package import Holdfast
package import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Sees to it that somebody can sign in to a new store.
package enum AdminToken {
  /// What was found or done.
  package enum Outcome: Sendable, Equatable {
    /// The store has an admin token already.
    case existing
    /// The one that was given is the admin's now.
    case given
    /// A new one was written to this file.
    case written(String)
  }

  /// Makes an admin token where the store has none.
  ///
  /// The file is there, whole and on the disk, before the store knows the token: a death in between
  /// leaves a file that the next start takes up, and never a token that nobody has. Once the store
  /// knows it, the file is read-only, which says that its token was used: should it be revoked, it
  /// is not taken up again, but replaced.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - directory: Where the file `admin-token` goes; made if it is missing.
  ///   - secret: A secret from outside (`HOLDFAST_ADMIN_TOKEN`), which needs no file.
  /// - Returns: What was found or done.
  /// - Throws: ``StoreError`` with `unavailable` where the file cannot be written, `invalid` for a
  ///   secret that is too short.
  package static func ensure(
    store: Store, directory: String, secret: String? = nil
  ) async throws(StoreError) -> Outcome {
    let path = directory + "/admin-token"
    guard try await !store.tokens.hasAdmin() else {
      try await markUsed(path, store)
      return .existing
    }
    if let secret, !secret.isEmpty {
      return try await create(store, secret) ? .given : .existing
    }
    if isUsed(path) {
      // Its token is gone, unless somebody has made it this moment.
      guard try await !store.tokens.hasAdmin() else { return .existing }
      unlink(path)
    }
    let secret = try write(Token.makeSecret(store.context.ids), in: directory, to: path)
    guard try await create(store, secret) else { return .existing }
    chmod(path, used)
    return .written(path)
  }

  /// The mode of a file whose token the store has known.
  private static let used: mode_t = 0o400

  private static func isUsed(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & 0o200 == 0
  }

  /// Marks a file whose token the store knows; a start may have died before it did.
  private static func markUsed(_ path: String, _ store: Store) async throws(StoreError) {
    guard !isUsed(path), let secret = read(path),
      try await store.tokens.authenticate(secret) != nil
    else { return }
    chmod(path, used)
  }

  /// Creates the token under the first free name; false when another process was faster.
  private static func create(_ store: Store, _ secret: String) async throws(StoreError) -> Bool {
    for number in 1...100 {
      do throws(StoreError) {
        let name = number == 1 ? "admin" : "admin-\(number)"
        _ = try await store.tokens.create(name, role: .admin, secret: secret)
        return true
      } catch .conflict {
        if try await store.tokens.hasAdmin() { return false }
      }
    }
    throw StoreError(
      .conflict, "No name for an admin token is free.", hint: "Revoke tokens that are not used.")
  }

  /// Writes the secret to a file that only this user can read, or takes the one that is there.
  private static func write(
    _ secret: String, in directory: String, to path: String
  ) throws(StoreError) -> String {
    mkdir(directory, 0o700)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      guard errno == EEXIST else { throw failed("made") }
      if let kept = read(path) { return kept }
      // What is there is no secret: the rest of a start that died. It is replaced.
      unlink(path)
      return try write(secret, in: directory, to: path)
    }
    defer { close(file) }
    let line = Array((secret + "\n").utf8)
    let isWritten = line.withUnsafeBytes { bytes in
      #if canImport(Darwin)
        Darwin.write(file, bytes.baseAddress, bytes.count) == bytes.count
      #elseif canImport(Musl)
        Musl.write(file, bytes.baseAddress, bytes.count) == bytes.count
      #else
        Glibc.write(file, bytes.baseAddress, bytes.count) == bytes.count
      #endif
    }
    guard isWritten, fsync(file) == 0 else {
      unlink(path)
      throw failed("written")
    }
    syncDirectory(directory)
    return secret
  }

  /// The secret in a file; `nil` for anything else.
  private static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    #if canImport(Darwin)
      let count = Darwin.read(file, &bytes, bytes.count)
    #elseif canImport(Musl)
      let count = Musl.read(file, &bytes, bytes.count)
    #else
      let count = Glibc.read(file, &bytes, bytes.count)
    #endif
    guard count > 0, bytes[count - 1] == UInt8(ascii: "\n") else { return nil }
    let text = String(decoding: bytes[..<(count - 1)], as: UTF8.self)
    return text.hasPrefix("hf_") && text.utf8.count >= 20 ? text : nil
  }

  private static func syncDirectory(_ path: String) {
    let directory = open(path, O_RDONLY | O_CLOEXEC)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  private static func failed(_ what: String) -> StoreError {
    StoreError(
      .unavailable, "The file for the admin token could not be \(what).",
      hint: "Check the data folder, or give a secret in HOLDFAST_ADMIN_TOKEN.",
      details: ["errno": .integer(Int64(errno))])
  }
}
