#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that takes all the room that is left on its file system.
enum Balloon {
  /// Fills the file system.
  ///
  /// - Parameter path: Where the file goes.
  /// - Returns: How many bytes it took.
  static func blow(at path: String) -> Int {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(file) }
    let page = [UInt8](repeating: 0, count: 4_096)
    var taken = 0
    while true {
      let count = write(file, page, page.count)
      guard count > 0 else { return taken }
      taken += count
    }
  }

  /// Gives the room back.
  ///
  /// - Parameter path: Where the file is.
  /// - Returns: 0 where that worked.
  static func burst(at path: String) -> Int32 { unlink(path) }
}
