import Foundation

/// A disk that fails on demand, for children that are started with its ``environment``.
///
/// Their calls to the system go through `faulty_disk.c`, which looks at a file that this process
/// maps too: what is set here holds there at once.
final class FaultyDisk: @unchecked Sendable {
  // Unchecked: no lock; the orders are single words of shared memory, which one thread sets, the
  // test's, and children read atomically.

  /// What to fail or do; its number is the word's place.
  enum Order: Int {
    /// The error of `fdatasync` and `fsync`.
    case sync
    /// The error of `pwrite`.
    case write
    /// The error of `pread`.
    case read
    /// After how many calls that write or sync the child dies, in the middle of the last.
    case killAfter
    /// How many such calls there were.
    case calls
  }

  private let orders: UnsafeMutablePointer<Int32>
  private let library: String
  private let path: String

  private struct CannotPrepare: Error {
    let what: String
  }

  /// Compiles the library and makes the file of orders.
  ///
  /// - Parameter scratch: Where both go.
  /// - Throws: ``CannotPrepare``, where there is no compiler.
  init(in scratch: Scratch) throws {
    library = scratch.folder + "/faulty_disk.so"
    path = scratch.folder + "/orders"
    let source = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Faults/faulty_disk.c").standardized.path()
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments = ["cc", "-O1", "-fPIC", "-shared", "-o", library, source, "-ldl"]
    try compiler.run()
    compiler.waitUntilExit()
    guard compiler.terminationStatus == 0 else { throw CannotPrepare(what: "cc") }
    try Data(count: 4_096).write(to: URL(filePath: path))
    let file = open(path, O_RDWR | O_CLOEXEC)
    defer { close(file) }
    guard let map = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      map != MAP_FAILED
    else { throw CannotPrepare(what: "mmap") }
    orders = map.bindMemory(to: Int32.self, capacity: 1_024)
  }

  deinit { munmap(orders, 4_096) }

  /// What a child of this disk is started with.
  var environment: [String: String] { ["LD_PRELOAD": library, "HOLDFAST_FAULTS": path] }

  /// An order, which holds from now on.
  subscript(_ order: Order) -> Int32 {
    get { orders[order.rawValue] }
    set { orders[order.rawValue] = newValue }
  }
}
