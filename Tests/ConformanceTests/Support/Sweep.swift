import Holdfast

extension Store {
  /// Does all that upkeep has to do now, whoever did it last.
  ///
  /// Each upkeep is a node of its own, and the lease of the last one would keep this one away.
  func sweep() async throws {
    try await tamper("DELETE FROM leases")
    let upkeep = Upkeep(store: self)
    while try await upkeep.slice() > 0 {}
  }
}
