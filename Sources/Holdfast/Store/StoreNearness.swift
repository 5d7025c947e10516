import HoldfastEngine

extension Store {
  /// Whether a network lies between this process and the data, so that even a point read may have
  /// to be given up.
  package var isRemote: Bool { engine.dialect == .postgres }
}
