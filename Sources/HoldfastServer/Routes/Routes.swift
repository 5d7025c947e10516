/// All routes of the API; each primitive has its own file of them.
enum Routes {
  static let all: [Route] = Array(
    [
      HealthRoutes.all,
      KeyValueRoutes.all,
      KeyListRoutes.all,
      RunRoutes.all,
      BotRoutes.all,
      SessionRoutes.all,
      ThreadRoutes.all,
      DeadLetterRoutes.all,
      AuditRoutes.all,
      TaskRoutes.all,
      ProviderRoutes.all,
      FileRoutes.all,
      ApprovalRoutes.all,
      PolicyRoutes.all,
      GrantRoutes.all,
      TransactionRoutes.all,
      ChangeRoutes.all,
      TokenRoutes.all,
      RetentionRoutes.all,
    ].joined())
}
