package import HoldfastCore
import HoldfastEngine

/// A private folder for a test's files.
package enum ScratchFolder {
  /// Makes a folder that only this user can enter.
  ///
  /// - Returns: Its path.
  package static func make() throws(StoreError) -> String {
    try TemporaryFolder.make("holdfast-test")
  }

  /// Removes a folder with all that is in it; what cannot be removed stays.
  ///
  /// - Parameter folder: The folder.
  package static func remove(_ folder: String) { TemporaryFolder.remove(folder) }
}
