import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is there only when all of it was written.
///
/// It is written under another name beside the one that it gets, so that whoever interrupts the
/// program finds the old file or the new one. It takes over the rights of a file that it replaces,
/// and a link stays and leads to it. What is no regular file, such as a pipe or a device, is not
/// replaced: it is written to in place.
struct NewFile: ~Copyable {
  /// The name as it was given, for messages.
  private let name: String
  /// Where the file is going to be.
  private let path: String
  /// Where it is written first; `nil` for what is written to in place.
  private let draft: String?
  private let file: Int32
  private var isKept = false

  /// Begins to write.
  ///
  /// - Parameter name: Where the file will be.
  /// - Throws: `not_found`, `forbidden` or `invalid`.
  init(_ name: String) throws(StoreError) {
    self.name = Printable.escaped(name)
    var about = stat()
    let isThere = stat(name, &about) == 0
    if isThere, about.st_mode & S_IFMT != S_IFREG {
      path = name
      draft = nil
      file = open(name, O_WRONLY | O_CLOEXEC)
    } else {
      path = Self.target(of: name)
      let draft = path + ".part-\(getpid())"
      self.draft = draft
      file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isThere ? 0o600 : 0o666)
    }
    guard file >= 0 else { throw Self.failure(self.name) }
    guard isThere, draft != nil else { return }
    // Only the superuser may give a file away; anybody else's new file is his own.
    _ = fchown(file, about.st_uid, about.st_gid)
    guard fchmod(file, about.st_mode & 0o777) == 0 else { throw Self.failure(self.name) }
  }

  deinit {
    close(file)
    if let draft, !isKept { unlink(draft) }
  }

  /// Where a path leads through all its links, be there a file or not.
  private static func target(of path: String) -> String {
    var path = path
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    // As many as the system follows itself.
    for _ in 0..<40 {
      let count = readlink(path, &bytes, bytes.count)
      guard count > 0, let link = String(validating: bytes[..<count], as: UTF8.self) else { break }
      let slash = link.hasPrefix("/") ? nil : path.utf8.lastIndex(of: UInt8(ascii: "/"))
      path = (slash.map { String(path[...$0]) } ?? "") + link
    }
    return path
  }

  private static func failure(_ name: String) -> StoreError {
    Files.failure("\(name) cannot be written", errno)
  }

  /// Writes more.
  ///
  /// - Parameter bytes: The bytes that come next.
  /// - Throws: `exhausted` or `invalid`.
  func write(_ bytes: [UInt8]) throws(StoreError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { buffer in
        #if canImport(Glibc)
          Glibc.write(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
          Musl.write(file, buffer.baseAddress, buffer.count)
        #else
          Darwin.write(file, buffer.baseAddress, buffer.count)
        #endif
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Self.failure(name) }
      rest = rest.dropFirst(count)
    }
  }

  /// Gives the file its name, once all of it was written.
  ///
  /// - Throws: `forbidden` or `invalid`.
  mutating func keep() throws(StoreError) {
    if let draft {
      guard rename(draft, path) == 0 else { throw Self.failure(name) }
    }
    isKept = true
  }
}
