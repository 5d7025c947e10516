import Holdfast
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the program takes from the process that it is.
enum Environment {
  /// The variables that only this program knows.
  static let names = [
    "HOLDFAST_STORE", "HOLDFAST_TOKEN", "HOLDFAST_ADMIN_TOKEN", "HOLDFAST_MASTER_KEY",
    "HOLDFAST_LOG",
  ]

  /// A variable of the environment; `nil` also for an empty one.
  ///
  /// - Parameter name: Its name.
  /// - Returns: Its value.
  static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// The master key of the store: `HOLDFAST_MASTER_KEY`, 32 bytes in base64.
  ///
  /// - Returns: The key; `nil` where none is given.
  /// - Throws: `unauthenticated` for what is no key.
  static func masterKey() throws(StoreError) -> MasterKey? {
    guard let text = variable("HOLDFAST_MASTER_KEY") else { return nil }
    do throws(StoreError) {
      return try MasterKey(base64: text)
    } catch {
      throw StoreError(
        .unauthenticated, "HOLDFAST_MASTER_KEY holds no master key.",
        hint: "Give 32 bytes in base64; openssl rand -base64 32 makes such a key.")
    }
  }

  /// Who acts where no access token does, for the audit log.
  static var actor: String { "local:\(user)" }

  /// The name of the user whose process this is, as the system knows it.
  static var user: String {
    guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else {
      return String(geteuid())
    }
    return String(cString: name)
  }
}

/// The few things that the program does with files itself.
enum Files {
  /// Reads a file, or standard input, whole.
  ///
  /// - Parameters:
  ///   - path: The file's path; `nil` for standard input.
  ///   - bytesMax: How long it may be.
  /// - Returns: Its bytes.
  /// - Throws: `not_found`, `forbidden`, `invalid` or `too_large`; the message names the path.
  static func read(_ path: String?, bytesMax: Int) throws(StoreError) -> [UInt8] {
    let name = path.map(Printable.escaped) ?? "Standard input"
    let file = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
    guard file >= 0 else { throw failure("\(name) cannot be opened", errno) }
    defer { if path != nil { close(file) } }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      #if canImport(Glibc)
        let count = Glibc.read(file, &piece, piece.count)
      #elseif canImport(Musl)
        let count = Musl.read(file, &piece, piece.count)
      #else
        let count = Darwin.read(file, &piece, piece.count)
      #endif
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("\(name) cannot be read", errno) }
      guard count > 0 else { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= bytesMax else {
        throw StoreError(.tooLarge, "\(name) is longer than \(bytesMax) bytes.")
      }
    }
  }

  /// A file, or standard input, piece by piece.
  ///
  /// - Parameter path: The file's path; `nil` for standard input.
  /// - Returns: The pieces, and how long they are together where that is known.
  /// - Throws: `not_found`, `forbidden` or `invalid`; the message names the path.
  static func pieces(_ path: String?) throws(StoreError) -> FilePieces {
    guard let path else { return FilePieces(STDIN_FILENO, "Standard input") }
    let name = Printable.escaped(path)
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("\(name) cannot be opened", errno) }
    return FilePieces(file, name)
  }

  /// Makes a folder that only this user can enter, where there is none.
  ///
  /// - Parameter path: The folder's path; its parent must be there.
  /// - Throws: `not_found`, `forbidden` or `invalid`.
  static func makeFolder(_ path: String) throws(StoreError) {
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    throw failure("The folder \(Printable.escaped(path)) cannot be made", errno)
  }

  static func failure(_ what: String, _ number: Int32) -> StoreError {
    let reason = String(cString: strerror(number))
    let code: StoreError.Code =
      switch number {
      case ENOENT, ENOTDIR: .notFound
      case EACCES, EPERM, EROFS: .forbidden
      case ENOSPC: .exhausted
      default: .invalid
      }
    return StoreError(code, "\(what): \(reason).", hint: "Check the path and the rights to it.")
  }
}
