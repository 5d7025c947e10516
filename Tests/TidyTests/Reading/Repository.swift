import Foundation

/// The files of this repository that people write: sources, scripts and documents.
enum Repository {
  /// All of them, read once.
  static let files: [SourceFile] = paths().compactMap { path in
    guard let data = try? Data(contentsOf: root.appending(path: path)), !data.contains(0) else {
      return nil
    }
    return SourceFile(path: path, bytes: Array(data))
  }

  /// The folder that has the package's manifest.
  static let root: URL = {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    let manager = FileManager.default
    while folder.path() != "/",
      !manager.fileExists(atPath: folder.appending(path: "Package.swift").path())
    {
      folder.deleteLastPathComponent()
    }
    return folder
  }()

  /// Folders that hold what programs made, or stores.
  private static func isLeftOut(_ name: String) -> Bool {
    let kept: Set<String> = [".ci", ".github"]
    let made: Set<String> = ["holdfast-data", "node_modules", "__pycache__"]
    return (name.hasPrefix(".") && !kept.contains(name)) || made.contains(name)
  }

  private static func paths() -> [String] {
    let kinds: Set<String> = [
      "swift", "c", "h", "modulemap", "sql", "js", "css", "html", "py", "sh", "md", "yml", "yaml",
      "",
    ]
    var found: [String] = []
    var folders = [""]
    while let folder = folders.popLast() {
      let place = root.appending(path: folder)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path())) ?? []
      for name in names where !isLeftOut(name) {
        let path = folder.isEmpty ? name : folder + "/" + name
        let kind = URL(filePath: path).pathExtension
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(
          atPath: root.appending(path: path).path(), isDirectory: &isFolder)
        guard exists else { continue }
        if isFolder.boolValue {
          folders.append(path)
        } else if kinds.contains(kind) {
          found.append(path)
        }
      }
    }
    return found.sorted()
  }
}
