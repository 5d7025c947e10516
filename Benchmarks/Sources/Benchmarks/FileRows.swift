import Foundation
import Holdfast

/// Row 10: a file of ten mebibytes goes in and comes back.
enum FileRows {
  private static let bytesCount = 10 << 20

  static func measure(_ bench: Bench) async throws -> [Row] {
    let store = try await Store.open(
      StoreLocation(bench.folder + "/files.db"), options: Bench.options())
    let path = bench.folder + "/file"
    var random = Random(seed: 9)
    let files = store.files()
    let writes = try await Comparison.run(
      bench,
      ours: {
        // Other bytes each time: what the store has already it would not write.
        let content = bytes(&random)
        return try await rate(of: 1) { try await files.save("file", content) }
      },
      theirs: { try Baseline.write(bytes(&random), to: path) })
    let content = bytes(&random)
    try await files.save("file", content)
    _ = try Baseline.write(content, to: path)
    let reads = try await Comparison.run(
      bench,
      ours: {
        try await rate(of: 1) {
          var count = 0
          for try await piece in try await files.content("file") { count += piece.count }
          guard count == bytesCount else { throw Failure("a file came back short") }
        }
      },
      theirs: { try Baseline.read(path, bytesCount) })
    guard try await files.read("file") == content else { throw Failure("a file came back wrong") }
    await store.close()
    return [
      Row(
        number: "10 write", work: "a file of 10 MiB, new content each time, durable",
        against: "`write` and `fsync` of as many bytes", comparison: writes, target: 0.4),
      Row(
        number: "10 read", work: "the same file as a stream of checked pieces",
        against: "`read` of the same bytes", comparison: reads, target: 0.6),
    ]
  }

  private static func bytes(_ random: inout Random) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytesCount) { buffer, count in
      let words = UnsafeMutableRawBufferPointer(buffer)
      for place in stride(from: 0, to: bytesCount, by: 8) {
        words.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
      }
      count = bytesCount
    }
  }
}
