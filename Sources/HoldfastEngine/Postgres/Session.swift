import CPostgres
import HoldfastCore

/// One connection to the server, in pipeline mode, with the statements that it has prepared.
///
/// It sends and takes in without ever waiting; who waits for the socket is its owner's business.
/// Invariants: at most one pipeline is under way; a statement is prepared under its number, the
/// first time it is used, in the same pipeline.
///
/// Unchecked because ownership goes from thread to thread: a ``PooledSession`` guards it with its
/// lock while the poller serves it, and a thread has it alone while it is lent out or being opened.
final class Session: @unchecked Sendable {
  /// How far a pipeline has come.
  enum Progress {
    /// Something is still to come; whether something also waits to be sent.
    case waiting(writes: Bool)
    case finished(Answer)
  }

  private enum Preparation: UInt8 {
    case none
    case sent
    case done
  }

  let connection: OpaquePointer
  /// The process id of the server's side, by which `pg_locks` and notifications name it.
  let backend: Int32
  /// What bodies noted with this session; it goes when the connection goes.
  let notes = SessionNotes()
  private var preparations: [Preparation] = []
  private var progress = PipelineProgress()
  private var parameters = Parameters()
  /// Whether an answer was lost, or said that the session is spoilt.
  ///
  /// The library may still believe in a connection whose answers are lost, when it failed to write
  /// and has not read the end yet.
  private var isSpoilt = false

  /// Takes over a connection that is open.
  ///
  /// - Parameter connection: The connection; it is closed when the session goes.
  init(_ connection: OpaquePointer) {
    self.connection = connection
    backend = PQbackendPID(connection)
    PQsetnonblocking(connection, 1)
    PQenterPipelineMode(connection)
  }

  deinit { PQfinish(connection) }

  /// The socket.
  var descriptor: Int32 { PQsocket(connection) }

  /// Whether the session must not be used again.
  var isBroken: Bool { isSpoilt || PQstatus(connection) == CONNECTION_BAD }

  /// Hands a pipeline to the client library and sends what the socket takes at once.
  ///
  /// Where the library refuses, the connection is broken; ``pump()`` then says so.
  ///
  /// - Parameter pipeline: What to run; it ends with a Sync.
  /// - Returns: Whether something waits until the socket takes more.
  func send(_ pipeline: Pipeline) -> Bool {
    progress.begin(parts: pipeline.parts.count)
    for (part, content) in pipeline.parts.enumerated() {
      switch content {
      case .step(let step):
        guard prepare(step.statement, for: part), send(step) else { return false }
        progress.expect(.part(part))
      case .sync:
        guard PQpipelineSync(connection) == 1 else { return false }
        progress.expect(.sync(part))
      }
    }
    return PQflush(connection) == 1
  }

  private func prepare(_ statement: Statement, for part: Int) -> Bool {
    let index = statement.index
    if index >= preparations.count {
      let missing = index + 16 - preparations.count
      preparations.append(contentsOf: repeatElement(.none, count: missing))
    }
    guard preparations[index] == .none else { return true }
    guard PQsendPrepare(connection, "s\(index)", statement.postgres, 0, nil) == 1 else {
      return false
    }
    preparations[index] = .sent
    progress.expect(.preparation(statement: index, part: part))
    return true
  }

  private func send(_ step: Step) -> Bool {
    parameters.withPointers(to: step.bindings) { count, values, lengths, formats in
      PQsendQueryPrepared(
        connection, "s\(step.statement.index)", count, values, lengths, formats, 0) == 1
    }
  }

  /// Sends what is left, takes in what came, and says how far the pipeline is.
  func pump() -> Progress {
    let writes = PQflush(connection) == 1
    PQconsumeInput(connection)
    var silences = 0
    while !progress.isComplete {
      if PQisBusy(connection) == 1 { return .waiting(writes: writes) }
      guard let result = PQgetResult(connection) else {
        // Silences that separate nothing mean that nothing more will come.
        silences = progress.awaitsSeparator ? 0 : silences + 1
        if silences > 2 { break }
        note(progress.take(.separator))
        continue
      }
      silences = 0
      note(progress.take(event(of: result)))
    }
    let answer = progress.end(lost: isBroken)
    if answer.lost || answer.failure?.spoilsSession == true { isSpoilt = true }
    return .finished(answer)
  }

  private func event(of result: OpaquePointer) -> PipelineProgress.Event {
    let owned = RawResult(result)
    return withExtendedLifetime(owned) {
      switch PQresultStatus(result) {
      case PGRES_PIPELINE_SYNC: .sync
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .outcome(.result(owned))
      case PGRES_PIPELINE_ABORTED: .outcome(.skipped)
      default: .outcome(.failed(DatabaseFailure(result)))
      }
    }
  }

  private func note(_ preparation: (statement: Int, holds: Bool)?) {
    guard let preparation else { return }
    preparations[preparation.statement] = preparation.holds ? .done : .none
  }

  /// Takes in what came while nothing was asked: notifications, or the end of the connection.
  ///
  /// - Returns: Whether the connection still stands.
  func listen() -> Bool { PQconsumeInput(connection) == 1 && !isBroken }

  /// The next notification that came, as the process id of its sender.
  func nextNotification() -> Int32? {
    guard let notification = PQnotifies(connection) else { return nil }
    defer { PQfreemem(notification) }
    return notification.pointee.be_pid
  }
}
