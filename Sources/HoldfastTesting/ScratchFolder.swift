package import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A private folder for a test's files.
package enum ScratchFolder {
  /// Makes a folder that only this user can enter.
  ///
  /// - Returns: Its path.
  package static func make() throws(StoreError) -> String {
    let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((root + "/holdfast-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw StoreError(.unavailable, "No folder for a test could be made (error \(errno)).")
    }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Removes a folder with the files in it; what cannot be removed stays.
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
      // Only what is no file is a folder.
      if unlink(folder + "/" + name) != 0 { remove(folder + "/" + name) }
    }
    rmdir(folder)
  }
}
