import CPostgres
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// What a thread that has a session for itself does with it: it waits at the socket. Never called on
// the poller's thread or the cooperative pool.

extension Session {
  /// Runs a pipeline and waits for its answer.
  ///
  /// - Parameters:
  ///   - pipeline: What to run; it ends with a Sync.
  ///   - patience: After how long without an answer the connection counts as lost: longer than the
  ///     server's own limits, which end a statement cleanly.
  /// - Returns: What came back.
  func run(_ pipeline: Pipeline, patience: Duration = Wire.patience) -> Answer {
    let clock = SystemTimeSource()
    let deadline = clock.monotonicTime() + patience
    _ = send(pipeline)
    while true {
      switch pump() {
      case .finished(let answer): return answer
      case .waiting(let writes):
        guard Wire.wait(for: descriptor, writes: writes, atMost: deadline - clock.monotonicTime())
        else {
          breakOff()
          continue
        }
      }
    }
  }

  /// Makes a connection that no longer answers known as broken.
  func breakOff() {
    if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  /// Runs a text of several statements outside of pipeline mode, as one transaction.
  ///
  /// - Parameters:
  ///   - script: The statements.
  ///   - patience: How long to wait.
  /// - Throws: What the server said, as a ``StoreError``.
  func run(script: String, patience: Duration) throws(StoreError) {
    guard PQexitPipelineMode(connection) == 1 else {
      throw DatabaseFailure.connectionLost.storeError
    }
    defer { PQenterPipelineMode(connection) }
    let clock = SystemTimeSource()
    let deadline = clock.monotonicTime() + patience
    guard PQsendQuery(connection, script) == 1 else {
      throw DatabaseFailure.connectionLost.storeError
    }
    var failure: DatabaseFailure?
    while true {
      let writes = PQflush(connection) == 1
      if PQisBusy(connection) == 1 {
        if !Wire.wait(for: descriptor, writes: writes, atMost: deadline - clock.monotonicTime()) {
          breakOff()
        }
        PQconsumeInput(connection)
        continue
      }
      guard let result = PQgetResult(connection) else { break }
      defer { PQclear(result) }
      let status = PQresultStatus(result)
      if failure == nil, status != PGRES_COMMAND_OK, status != PGRES_TUPLES_OK {
        failure = DatabaseFailure(result)
      }
    }
    if let failure { throw failure.storeError }
  }
}

/// What the socket asks of those who wait at it.
enum Wire {
  /// The server ends a statement after this long.
  static let statementTimeMax = Duration.seconds(30)
  /// A connection that gives no answer for this long is taken for dead.
  static let patience = Duration.seconds(45)
  /// How long an attempt to connect to one host may take, where the URL does not say.
  static let connectTimeMax = Duration.seconds(10)

  /// Blocks until a socket is ready.
  ///
  /// - Parameters:
  ///   - descriptor: The socket.
  ///   - reads: Whether input is awaited.
  ///   - writes: Whether room to write is awaited.
  ///   - limit: How long to wait at most.
  /// - Returns: Whether something happened in time.
  static func wait(
    for descriptor: Int32, reads: Bool = true, writes: Bool, atMost limit: Duration
  ) -> Bool {
    let milliseconds = Int32(clamping: (limit.microseconds + 999) / 1_000)
    guard milliseconds > 0, descriptor >= 0 else { return false }
    var watched = pollfd(
      fd: descriptor, events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0)
    let count = poll(&watched, 1, milliseconds)
    // A signal is no answer, and no end either: the caller looks at the clock again.
    return count > 0 || (count < 0 && errno == EINTR)
  }
}
