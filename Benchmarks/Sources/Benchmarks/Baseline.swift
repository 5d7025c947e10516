import CBaseline

/// The other side of the rows on SQLite: loops in C over the bare library.
final class Baseline {
  private let handle: OpaquePointer
  private let namespace: Int64

  init(path: String, keys: Int = Bench.keyCount) throws {
    guard let handle = baseline_open(path, Int32(keys)) else {
      throw Failure("the C side cannot open \(path)")
    }
    self.handle = handle
    namespace = baseline_namespace(handle, Bench.namespace.text)
    guard namespace != 0 else { throw Failure("the C side finds no namespace in \(path)") }
  }

  deinit { baseline_close(handle) }

  /// What the connection is set to.
  var pragmas: String {
    let names = [
      "journal_mode", "synchronous", "secure_delete", "page_size", "cache_size", "mmap_size",
      "wal_autocheckpoint", "auto_vacuum", "foreign_keys",
    ]
    return names.map { "\($0)=\(String(cString: baseline_pragma(handle, $0)))" }
      .joined(separator: " ")
  }

  func get(_ order: [Int32]) throws -> Double {
    try rate(of: order.count, baseline_get(handle, namespace, order, Int32(order.count)))
  }

  func put(_ order: [Int32], group: Int) throws -> Double {
    let taken = baseline_put(
      handle, namespace, Bench.namespace.text, order, Int32(order.count), Int32(group), Bench.json)
    return try rate(of: order.count, taken)
  }

  func list(from first: String, to end: String, rows expected: Int) throws -> Double {
    var rows: Int32 = 0
    let taken = baseline_list(handle, namespace, first, end, &rows)
    guard Int(rows) == expected else { throw Failure("the C side listed \(rows) keys") }
    return try rate(of: 1, taken)
  }

  func transactions(_ count: Int, _ order: [Int32]) throws -> Double {
    let taken = baseline_transaction(
      handle, namespace, Bench.namespace.text, order, Int32(count), Bench.json)
    return try rate(of: count, taken)
  }

  /// Seconds that a 4 KiB append with a flush takes.
  static func syncTime(in folder: String) throws -> Double {
    1 / (try rate(of: 200, baseline_fsync(folder + "/sync", 200)))
  }

  /// Files a second that are written and flushed.
  static func write(_ bytes: [UInt8], to path: String) throws -> Double {
    try rate(of: 1, baseline_write(path, bytes, bytes.count))
  }

  /// Files of so many bytes a second that are read.
  static func read(_ path: String, _ count: Int) throws -> Double {
    try rate(of: 1, baseline_read(path, count))
  }

  private func rate(of count: Int, _ nanoseconds: Int64) throws -> Double {
    try Self.rate(of: count, nanoseconds)
  }

  private static func rate(of count: Int, _ nanoseconds: Int64) throws -> Double {
    guard nanoseconds > 0 else { throw Failure("the C side failed") }
    return Double(count) * 1e9 / Double(nanoseconds)
  }
}
