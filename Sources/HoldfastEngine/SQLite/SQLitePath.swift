import CSQLite
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a store's file is, and whether it can be one.
///
/// Nothing here opens the file: closing any descriptor of it would take away the locks that another
/// connection of this process holds on it.
struct SQLitePath {
  /// The path without symbolic links, so that every way to one file leads to one lock file.
  let path: String
  /// Whether there is a file.
  let exists: Bool

  /// Looks at a path.
  ///
  /// - Parameters:
  ///   - text: The path as it was given.
  ///   - createsMissing: Whether a missing file is to be made.
  /// - Throws: `notFound`, `invalid`, or what else the system says of the path.
  init(_ text: String, createsMissing: Bool) throws(StoreError) {
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw StoreError(
        .invalid, "The path of the store is empty or holds a NUL.", hint: "Give a path.")
    }
    var about = stat()
    if stat(text, &about) == 0 {
      try Self.checkKind(about.st_mode, text)
      path = Self.resolved(text) ?? text
      exists = true
      try Self.checkRights(path)
    } else {
      let failure = errno
      guard failure == ENOENT else { throw Self.unreachable(text, failure) }
      path = try Self.newPath(text, createsMissing: createsMissing)
      exists = false
    }
    try Self.checkFileSystem(exists ? path : Self.folder(of: path))
  }

  /// Makes the empty file, for this user alone.
  func create() throws(StoreError) {
    let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if file >= 0 {
      close(file)
    } else if errno != EEXIST {
      throw Self.unreachable(path, errno)
    }
  }
}

// MARK: Checks

extension SQLitePath {
  private static func checkKind(_ mode: mode_t, _ path: String) throws(StoreError) {
    switch mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw StoreError(
        .invalid, "The path of the store is a folder: \(path).",
        hint: "Give the path of a file, such as \(path)/agents.db.")
    default:
      throw StoreError(
        .invalid, "The path of the store is not a regular file: \(path).",
        hint: "Give the path of a file.")
    }
  }

  private static func checkRights(_ path: String) throws(StoreError) {
    if faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 {
      throw StoreError(
        .unavailable, "This user may not read the store: \(path).",
        hint: "Give this user the right to read and write the file.")
    }
    if faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 {
      throw StoreError(
        .unavailable, "The store can only be read, not written: \(path).",
        hint: "Give this user the right to write the file and its folder.")
    }
  }

  /// The resolved path of a file that is not there yet.
  private static func newPath(_ text: String, createsMissing: Bool) throws(StoreError) -> String {
    var about = stat()
    // What is there now and no link was made by another opener since the first look.
    guard lstat(text, &about) != 0 || about.st_mode & S_IFMT != S_IFLNK else {
      throw StoreError(
        .notFound, "The path of the store is a link to nothing: \(text).", hint: "Mend the link.")
    }
    let folder = folder(of: text)
    guard stat(folder, &about) == 0, let resolved = resolved(folder) else {
      guard createsMissing else { throw noStore(at: text) }
      throw StoreError(
        .notFound, "The folder of the store does not exist: \(folder).", hint: "Create the folder.")
    }
    guard about.st_mode & S_IFMT == S_IFDIR, let name = text.split(separator: "/").last,
      !text.hasSuffix("/")
    else {
      throw StoreError(
        .invalid, "The path of the store leads through something that is no folder: \(folder).",
        hint: "Give the path of a file in a folder.")
    }
    guard createsMissing else { throw noStore(at: text) }
    guard faccessat(AT_FDCWD, resolved, W_OK | X_OK, AT_EACCESS) == 0 else {
      throw StoreError(
        .unavailable, "This user may not create a file in the folder \(folder).",
        hint: "Give this user the right to write in the folder.")
    }
    return resolved == "/" ? "/\(name)" : "\(resolved)/\(name)"
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    let folder = path[..<slash]
    return folder.isEmpty ? "/" : String(folder)
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What is said where a store is looked for, and is not to be made.
  static func noStore(at path: String) -> StoreError {
    StoreError(
      .notFound, "There is no store at \(path).", hint: "Check the path, or let it be created.")
  }

  /// What the system says of one of its error numbers.
  static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

  private static func unreachable(_ path: String, _ failure: Int32) -> StoreError {
    switch failure {
    case EACCES, EPERM:
      StoreError(
        .unavailable, "This user may not reach the store: \(path).",
        hint: "Give this user the right to enter the folders that lead there.")
    case ENOTDIR, ENAMETOOLONG, ELOOP, EISDIR:
      StoreError(
        .invalid, "The path of the store cannot be followed: \(path).",
        hint: "Give the path of a file in a folder.")
    case ENOSPC, EDQUOT:
      StoreError(.exhausted, "There is no room for the store: \(path).")
    default:
      StoreError(
        .unavailable, "The store cannot be reached: \(path): \(reason(failure)).",
        hint: "Look at the disk and at the rights of the file and its folder.")
    }
  }
}

// MARK: File systems

extension SQLitePath {
  private static func checkFileSystem(_ path: String) throws(StoreError) {
    let kind = holdfast_file_system(path)
    guard let name = networkFileSystem(kind: kind) else { return }
    throw StoreError(
      .incompatible, "The store lies on a network file system (\(name)): \(path).",
      hint: "Keep the file on a local disk, or use PostgreSQL for a store that machines share.")
  }

  /// The name of a file system that cannot give all its users the same shared memory.
  ///
  /// - Parameter kind: The magic number that `statfs` gives.
  /// - Returns: The name; `nil` for a local one.
  static func networkFileSystem(kind: Int64) -> String? {
    switch kind {
    case 0x6969: "NFS"
    case 0x517B: "SMB"
    case 0xFF53_4D42: "CIFS"
    case 0xFE53_4D42: "SMB2"
    case 0x0102_1997: "9P"
    case 0x5346_414F, 0x6B41_4653: "AFS"
    case 0x7375_7245: "Coda"
    case 0x564C: "NCP"
    case 0x00C3_6400: "Ceph"
    case 0x7461_636F: "OCFS2"
    case 0x0116_1970: "GFS2"
    case 0x0BD0_0BD0: "Lustre"
    case 0x1983_0326: "FhGFS"
    case 0x786F_4256: "vboxsf"
    default: nil
    }
  }
}
