import HoldfastCore

/// What the writer tells of itself: changed by its thread, read by health.
struct WriterStatistics: Sendable {
  /// How many groups were committed, and how many bodies in them.
  var groups = 0
  var bodies = 0
  var groupLargest = 0
  /// How many groups had to be taken apart.
  var reruns = 0
  var busyWaitLongest = Duration.zero
  var turnWaitLongest = Duration.zero
  var checkpoints = CheckpointStatistics()
}

/// What checkpoints did.
struct CheckpointStatistics: Sendable {
  var passive = 0
  /// Those after which the log begins anew.
  var restarts = 0
  /// Those that met a reader who stayed.
  var incomplete = 0
  var longest = Duration.zero
}
