package import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A private folder for files that nobody needs later: a temporary store's, or a test's.
package enum TemporaryFolder {
  /// Makes a folder that only this user can enter.
  ///
  /// - Parameters:
  ///   - name: What its name begins with.
  ///   - root: Where it lies; `nil` for where `TMPDIR` says, else `/tmp`.
  /// - Returns: Its path.
  /// - Throws: `unavailable` where none can be made.
  package static func make(
    _ name: String = "holdfast", in root: String? = nil
  ) throws(StoreError) -> String {
    let root = root ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(root)/\(name)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw StoreError(
        .unavailable, "No temporary folder could be made.",
        hint: "Check the folder that TMPDIR names.", details: ["errno": .integer(Int64(errno))])
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes a folder with all that is in it; what cannot be removed stays.
  ///
  /// - Parameter folder: The folder.
  package static func remove(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      // Only a folder cannot be unlinked; a link to one is, and what it leads to stays.
      if unlink(folder + "/" + name) != 0 { remove(folder + "/" + name) }
    }
    rmdir(folder)
  }
}
