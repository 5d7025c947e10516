import HoldfastCore

/// What came of a pipeline that the pool ran, and the session where it is still held.
struct Exchanged: Sendable {
  let answer: Answer
  /// Held by the caller, because something failed and may have to be tidied up; `nil` where it was
  /// given back or thrown away already.
  let session: PooledSession?
  fileprivate let pool: Pool

  /// Gives a session that is still held back as it is.
  func giveBack() {
    if let session { pool.giveBack(session) }
  }
}

extension Pool {
  /// Runs a pipeline on the next session that is free.
  ///
  /// A session that answers without any failure goes on to the next caller at once, before this one
  /// is told.
  ///
  /// - Parameter pipeline: What to run; it ends with a Sync.
  /// - Returns: What came back.
  /// - Throws: `unavailable` or `closed` where no session could be had; nothing was sent.
  func exchange(_ pipeline: Pipeline) async throws(StoreError) -> Exchanged {
    let result: Result<Exchanged, StoreError> = await withCheckedContinuation { caller in
      take { taken in
        switch taken {
        case .failure(let error): caller.resume(returning: .failure(error))
        case .success(let session):
          session.begin(pipeline) { answer in
            let held = self.settle(session, answer)
            caller.resume(
              returning: .success(Exchanged(answer: answer, session: held, pool: self)))
          }
        }
      }
    }
    return try result.get()
  }

  private func settle(_ session: PooledSession, _ answer: Answer) -> PooledSession? {
    let failure = answer.failure
    if answer.lost || failure?.spoilsSession == true {
      discard(session)
      return nil
    }
    guard failure == nil else { return session }
    giveBack(session)
    return nil
  }
}

extension PooledSession {
  /// Runs a pipeline on a session that the caller holds.
  ///
  /// - Parameter pipeline: What to run; it ends with a Sync.
  /// - Returns: What came back.
  func exchange(_ pipeline: Pipeline) async -> Answer {
    await withCheckedContinuation { caller in
      begin(pipeline) { caller.resume(returning: $0) }
    }
  }
}

extension WorkerPool {
  /// Runs something that blocks on a thread of the pool.
  ///
  /// - Parameter work: What blocks.
  /// - Returns: What it gave.
  /// - Throws: What it threw; `closed` or `unavailable` where it did not run.
  func run<Result: Sendable>(
    _ work: @escaping @Sendable () throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    let result: Swift.Result<Result, StoreError> = await withCheckedContinuation { caller in
      do throws(StoreError) {
        try submit {
          caller.resume(returning: Swift.Result { () throws(StoreError) in try work() })
        }
      } catch {
        caller.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }
}
