import Testing

/// What must hold when processes die, disks fail and many processes meet at one store.
///
/// The tests run one after the other: each keeps the machine's cores and its disk busy by itself.
@Suite(.serialized, .timeLimit(.minutes(30))) enum CrashTests {}
