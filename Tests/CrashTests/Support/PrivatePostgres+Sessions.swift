import HoldfastTesting

extension PrivatePostgres {
  /// Ends all sessions but its own, and waits until their transactions are settled.
  func endSessions() async throws {
    try await run(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        + "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
  }
}
