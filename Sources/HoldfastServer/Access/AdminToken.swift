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
    /// The store has an admin token already, and what was given is none.
    case otherwise
    /// The one that was given is the admin's now.
    case given
    /// A new one was written to this file.
    case written(String)
  }

  /// Makes an admin token where the store has none.
  ///
  /// The file is there, whole and on the disk, before the store knows the token: a death in between
  /// leaves a file that the next start takes up, and never a token that nobody has. A token that
  /// was revoked is not taken up again: its file is moved aside, for another store may know it
  /// still.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - directory: Where the file `admin-token` goes; made if it is missing.
  ///   - secret: A secret from outside (`HOLDFAST_ADMIN_TOKEN`), which needs no file.
  /// - Returns: What was found or done.
  /// - Throws: ``StoreError`` with `unavailable` where the file cannot be written, `invalid` for a
  ///   secret that is too short, `conflict` for one from outside that was revoked.
  package static func ensure(
    store: Store, directory: String, secret: String? = nil
  ) async throws(StoreError) -> Outcome {
    let given = secret.flatMap { $0.isEmpty ? nil : $0 }
    guard try await !store.tokens.hasAdmin() else {
      guard let given else { return .existing }
      return try await store.tokens.authenticate(given)?.role == .admin ? .existing : .otherwise
    }
    if let given { return try await create(store, given) ? .given : .existing }
    mkdir(directory, 0o700)
    let lock = await lock(directory, store.context.time)
    defer { if lock >= 0 { close(lock) } }
    guard try await !store.tokens.hasAdmin() else { return .existing }
    let path = directory + "/admin-token"
    if let kept = read(path), try await store.tokens.hasKnown(kept) { putAside(path) }
    let secret = try write(Token.makeSecret(store.context.ids), in: directory, to: path)
    return try await create(store, secret) ? .written(path) : .existing
  }

  /// Lets one start at a time look after the file of a folder.
  ///
  /// - Returns: What ends it when it is closed; below 0 where there is no such folder.
  private static func lock(_ directory: String, _ time: any TimeSource) async -> Int32 {
    let folder = open(directory, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return folder }
    while flock(folder, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
      guard (try? await time.sleep(for: .milliseconds(10))) != nil else { break }
    }
    return folder
  }

  /// Moves a file aside whose token is gone, to a name of its own.
  private static func putAside(_ path: String) {
    for number in 1...1_000 {
      let aside = path + ".revoked" + (number == 1 ? "" : "-\(number)")
      if link(path, aside) == 0 { break }
      guard errno == EEXIST else { break }
    }
    unlink(path)
  }

  /// Creates the token under the first free name; false when another process was faster.
  private static func create(_ store: Store, _ secret: String) async throws(StoreError) -> Bool {
    for number in 1...100 {
      do throws(StoreError) {
        let name = number == 1 ? "admin" : "admin-\(number)"
        _ = try await store.tokens.create(name, role: .admin, secret: secret)
        return true
      } catch {
        guard error.code == .conflict else { throw error }
        if try await store.tokens.hasAdmin() { return false }
        guard error.details["reason"] != "used" else { throw revoked }
      }
    }
    throw StoreError(
      .conflict, "No name for an admin token is free.", hint: "Revoke tokens that are not used.")
  }

  private static let revoked = StoreError(
    .conflict, "The secret for the admin token belongs to another token, or to one that is gone.",
    hint: "Give another HOLDFAST_ADMIN_TOKEN, or make a token with holdfast token create.",
    details: ["reason": "used"])

  /// Writes the secret to a file that only this user can read, or takes the one that is there.
  private static func write(
    _ secret: String, in directory: String, to path: String
  ) throws(StoreError) -> String {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      guard errno == EEXIST else { throw failed("made", path) }
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
      let failure = failed("written", path)
      unlink(path)
      throw failure
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

  private static func failed(_ what: String, _ path: String) -> StoreError {
    let number = errno
    return StoreError(
      .unavailable, "The file \(path) could not be \(what): \(String(cString: strerror(number))).",
      hint: "Check the data folder, or give a secret in HOLDFAST_ADMIN_TOKEN.",
      details: ["errno": .integer(Int64(number))])
  }
}
