import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The private folder of a store that goes when it is closed.
enum TemporaryFolder {
  /// Makes a folder that only this user can enter.
  static func make() throws(StoreError) -> String {
    let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((root + "/holdfast-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw StoreError(
        .unavailable, "No folder for a temporary store could be made.",
        hint: "Check the folder that TMPDIR names.", details: ["errno": .integer(Int64(errno))])
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes the folder and the files in it; what cannot be removed stays.
  static func remove(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { unlink(folder + "/" + name) }
    }
    rmdir(folder)
  }
}
