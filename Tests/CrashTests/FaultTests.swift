import CrashWriter
import Foundation
import Holdfast
import Testing

extension CrashTests {
  /// A disk that is full or fails gives errors that say what holds, and harms nothing.
  @Suite struct FaultTests {
    /// What a write may end with where the disk fails: nothing was written, or it is not known.
    private static let codes: Set<String> = ["exhausted", "unavailable", "uncertain"]

    /// Whether this process may mount a file system of its own.
    private static let mayMount: Bool = {
      let trial = Process()
      trial.executableURL = URL(filePath: "/usr/bin/env")
      trial.arguments = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
      trial.standardError = FileHandle.nullDevice
      guard (try? trial.run()) != nil else { return false }
      trial.waitUntilExit()
      return trial.terminationStatus == 0
    }()

    /// Goal: a full disk is `exhausted`, and with room again everything goes on.
    ///
    /// Method: a child on a file system of eight megabytes, seen by it alone, takes all the room,
    /// writes until it fails, gives the room back and writes again.
    @Test(.enabled(if: mayMount, "mounting needs root; the tests of a failing disk do the same"))
    func `a full disk gives errors and harms nothing`() async throws {
      let scratch = try Scratch()
      let mount = "mount -t tmpfs -o size=8m none '\(scratch.folder)' && exec \"$@\""
      let child = try Child(
        "orders", scratch.store, wrapper: ["unshare", "-m", "sh", "-c", mount, "sh"])
      try await child.wait(for: "ready")
      #expect(try await child.ask("put before 1").isOK)
      try await child.ask("balloon \(scratch.folder)/balloon")
      var acknowledged = 0
      var code: String?
      while code == nil {
        let answer = try await child.ask("fill small:\(acknowledged) 3000")
        if answer.isOK { acknowledged += 1 }
        code = answer.code
      }
      #expect(Self.codes.contains(code ?? ""))
      // What is larger than the cache fails before its COMMIT, so it is known to have failed.
      #expect(try await child.ask("batch large 100").code == "exhausted")
      #expect(try await child.ask("get before").value == "1")
      try await child.ask("burst \(scratch.folder)/balloon")
      #expect(try await child.ask("put after 2").isOK)
      #expect(try await child.ask("batch later 20").isOK)
      let count = Int(try await child.ask("count small:").value) ?? -1
      #expect(count == acknowledged || count == acknowledged + 1 && code == "uncertain")
      #expect(try await child.ask("count large:").value == "0")
      #expect(try await child.ask("verify").value == "valid")
    }

    /// Goal: a COMMIT that fails is `uncertain`, whatever failed in it, and the store goes on.
    ///
    /// Method: each kind of failure is switched on and off under a child; then the child is killed,
    /// and the store must have all that was acknowledged and nothing that is known to have failed.
    @Test(arguments: [
      (FaultyDisk.Order.sync, EIO), (.write, EIO), (.write, ENOSPC), (.sync, ENOSPC),
    ])
    func `a failing disk gives errors and harms nothing`(
      _ order: FaultyDisk.Order, _ error: Int32
    ) async throws {
      let scratch = try Scratch()
      let disk = try FaultyDisk(in: scratch)
      let child = try Child("orders", scratch.store, environment: disk.environment)
      try await child.wait(for: "ready")
      var acknowledged: [String] = []
      var failed: [String] = []
      for round in 0..<5 {
        let good = "good:\(round)"
        #expect(try await child.ask("put \(good) 1").isOK, "after round \(round) it does not go on")
        acknowledged.append(good)
        disk[order] = error
        for number in 0..<3 {
          let key = "bad:\(round):\(number)"
          let answer = try await child.ask("put \(key) 1")
          #expect(Self.codes.contains(answer.code ?? "ok"), "\(answer)")
          // A commit that could not be written is not known to have failed.
          #expect(answer.code == "uncertain", "\(answer)")
          if answer.code != "uncertain" { failed.append(key) }
        }
        #expect(try await child.ask("get \(good)").value == "1")
        disk[order] = 0
      }
      #expect(try await child.ask("batch large 30").isOK)
      child.kill()
      _ = await child.rest()
      try await Self.check(scratch, acknowledged: acknowledged, failed: failed)
    }

    /// Goal: a failure to read is `unavailable`, and passes.
    ///
    /// Method: a second process has the file in no cache; its reads fail while the disk does.
    @Test func `a disk that cannot be read is unavailable for as long`() async throws {
      let scratch = try Scratch()
      let disk = try FaultyDisk(in: scratch)
      let writer = try Child("orders", scratch.store)
      try await writer.wait(for: "ready")
      #expect(try await writer.ask("batch large 60").isOK)
      #expect(try await writer.ask("put key 7").isOK)
      let reader = try Child("orders", scratch.store, environment: disk.environment)
      try await reader.wait(for: "ready")
      disk[.read] = EIO
      let list = try await reader.ask("list large:")
      #expect(list.code == "unavailable", "\(list)")
      let count = try await reader.ask("count large:")
      #expect(count.code == "unavailable", "\(count)")
      disk[.read] = 0
      #expect(try await reader.ask("count large:").value == "60")
      #expect(try await reader.ask("put key 8").isOK)
      #expect(try await writer.ask("get key").value == "8")
      #expect(try await reader.ask("verify").value == "valid")
    }

    private static func check(
      _ scratch: Scratch, acknowledged: [String], failed: [String]
    ) async throws {
      let store = try await Store.open(StoreLocation(scratch.store))
      for key in acknowledged { #expect(try await store.kv(.global).exists(key), "lost \(key)") }
      for key in failed { #expect(try await !store.kv(.global).exists(key), "\(key) came back") }
      #expect(try await store.kv(.global).count(prefix: "large:") == 30)
      #expect(try await store.verify().problems == [])
      await store.close()
    }
  }
}
