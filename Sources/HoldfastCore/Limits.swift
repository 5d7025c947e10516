/// Every limit of a store, with its unit in its name; each can be set when the store is opened.
public struct Limits: Sendable, Equatable {
  /// A key's length in bytes of UTF-8: 1 to this many.
  public var keyBytesMax = 1_024
  /// A namespace's length in bytes of its written form.
  public var namespaceBytesMax = 256
  /// How many segments a namespace may have.
  public var namespaceSegmentsMax = 8
  /// The length in bytes of one string or one run of bytes inside a value.
  public var stringBytesMax = 16 << 20
  /// The length in bytes of a value's JSON text.
  public var valueBytesMax = 32 << 20
  /// How deep arrays and objects may stand inside each other; more than 1 000 counts as 1 000.
  public var nestingMax = 128
  /// How many operations one transaction may hold; each entry of a batch is one.
  public var transactionOperationsMax = 10_000
  /// How many bytes one transaction may write.
  public var transactionBytesMax = 64 << 20
  /// The length in bytes of a description.
  public var descriptionBytesMax = 4 << 10
  /// How many items one page of a list may hold.
  public var pageItemsMax = 1_000
  /// How many items a page holds when the caller does not say.
  public var pageItemsDefault = 100
  /// Where a page that goes over HTTP ends early, in bytes; it holds at least one item.
  public var pageBytesMax = 8 << 20
  /// The length in bytes of a request's body.
  public var requestBytesMax = 64 << 20
  /// The length in bytes of one version of a file.
  public var fileBytesMax = 50 << 20
  /// The length in bytes of a file's name.
  public var fileNameBytesMax = 255
  /// The length in bytes of each of the two texts of a diff.
  public var diffBytesMax = 1 << 20
  /// The length in bytes of a caller's identifier (run, bot, idempotency key).
  public var idBytesMax = 256
  /// How often a task may run.
  public var taskAttemptsMax = 1_000
  /// The shortest lease of a task.
  public var leaseMin = Duration.seconds(1)
  /// The longest lease of a task.
  public var leaseMax = Duration.seconds(86_400)
  /// How many tasks one claim takes.
  public var claimTasksMax = 1_000
  /// In how many queues one claim looks.
  public var claimQueuesMax = 64
  /// A provider's priority lies between this number and its negative.
  public var providerPriorityMax = 1_000
  /// The shortest time to live.
  public var lifetimeMin = Duration.milliseconds(1)
  /// The longest time to live: ten years of 365 days.
  public var lifetimeMax = Duration.seconds(3_650 * 86_400)
  /// How long an approval waits for a decision where its request does not say.
  public var approvalLifetime = Duration.seconds(3_600)
  /// How long after the decision an approved approval can be used at least.
  public var approvalUseAfterDecision = Duration.seconds(900)
  /// For how many approvals one task waits at once.
  public var taskApprovalsMax = 100
  /// How long a grant lasts that a policy made.
  public var policyGrantLifetime = Duration.seconds(300)
  /// How long a grant lasts that somebody asked for when deciding.
  public var grantLifetime = Duration.seconds(900)
  /// The length in bytes of a dead letter's history, without the message of the last edit.
  public var deadLetterHistoryBytesMax = 1 << 20
  /// How often and how soon dead letters are tried again.
  public var deadLetterRetries = DeadLetterRetries()

  /// The defaults.
  public init() {}

  /// The nesting that is really allowed: values are read, written and compared by recursion, and no
  /// setting may let a caller's text exhaust the stack of a thread.
  var nesting: Int { min(nestingMax, 1_000) }
}
