import Foundation
import HoldfastTesting
import Testing

/// Where `file get` writes.
@Suite(.timeLimit(.minutes(5))) struct FileOutputs {
  /// A place with the file `a.txt` of the content `new`.
  private func place() async throws -> Place {
    let place = try await Place()
    try await place.done("file", "put", "global", "a.txt", input: "new")
    return place
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  /// Goal: a pipe and a device stay what they are and take the content.
  ///
  /// Method: a reader waits at a named pipe; a device is linked to by a name of the test's; `-` is
  /// standard output.
  @Test func `what is no regular file is written to in place`() async throws {
    let place = try await place()
    let piped = try await place.shell(
      """
      mkfifo pipe && { timeout 20 cat pipe > taken & } &&
      timeout 20 holdfast file get global a.txt -o pipe; code=$?; wait; cat taken; exit $code
      """)
    #expect(piped.code == 0 && piped.output == "new", "\(piped.errors)")
    #expect(try await place.shell("test -p pipe && test ! -e pipe.part*").code == 0)
    let device = try await place.shell(
      "ln -s /dev/null null && holdfast file get global a.txt -o null && test -c /dev/null")
    #expect(device.code == 0, "\(device.errors)")
    let output = try await place.shell("holdfast file get global a.txt -o - && test ! -e ./-")
    #expect(output.code == 0 && output.output == "new")
  }

  /// Goal: a link leads to its file, before and after.
  ///
  /// Method: a link into another folder through a second link, and one to a file that is not there.
  @Test func `a link stays and its file changes`() async throws {
    let place = try await place()
    let outcome = try await place.shell(
      """
      mkdir below && echo old > below/file && ln -s file below/link && ln -s below/link link &&
      ln -s below/none lost &&
      holdfast file get global a.txt -o link && holdfast file get global a.txt -o lost &&
      test -L link && test -L below/link && test -L lost && test ! -L below/file &&
      cat below/file below/none && ls below
      """)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output == "newnewfile\nlink\nnone\n")
  }

  /// Goal: a file that was for its owner alone stays so, and one that failed stays as it was.
  ///
  /// Method: files of several rights are written over; a file that the store does not have.
  @Test func `a file keeps its rights`() async throws {
    let place = try await place()
    let path = try place.file("out.txt", "old")
    for mode in [0o600, 0o640, 0o755] {
      chmod(path, mode_t(mode))
      try await place.done("file", "get", "global", "a.txt", "--output", path)
      #expect(try self.mode(path) == mode)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
    }
    let missing = try await place.holdfast("file", "get", "global", "none", "--output", path)
    #expect(missing.code == 66)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
    let files = try FileManager.default.contentsOfDirectory(atPath: place.folder)
    #expect(!files.contains { $0.contains(".part-") })
  }
}
