import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The number of this transaction: the version of everything that it writes.
  ///
  /// Ask only in a transaction that has written: the number is drawn where none was drawn before.
  ///
  /// - Returns: The revision.
  /// - Throws: ``StoreError`` of the engine's.
  package func revision() throws(StoreError) -> Int64 {
    let revision = try reading().first(Self.revisionStatement) { $0.integer(0) }
    guard let revision else { throw Excess.fault(.internal, "The database drew no revision.") }
    return revision
  }

  private static let revisionStatement = Statement("SELECT holdfast_revision()")
}
