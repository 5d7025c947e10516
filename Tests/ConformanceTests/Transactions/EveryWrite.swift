import Holdfast
import HoldfastTesting

/// One operation of a store that writes, with what it needs to find.
struct EveryWrite: Sendable {
  typealias Call = @Sendable (Store, String, WriteSettings, Bool) async throws -> any Sendable

  let name: String
  /// Puts there what the operation works on; what it gives is handed to the call.
  let prepare: @Sendable (Store) async throws -> String
  /// Does it, or the same with another argument.
  let call: Call

  init(
    _ name: String, _ prepare: @escaping @Sendable (Store) async throws -> String = { _ in "" },
    _ call: @escaping Call
  ) {
    self.name = name
    self.prepare = prepare
    self.call = call
  }

  static let all =
    keys + runs + tasks + tasksAtWork + approvals + policies + sessions + threads + deadLetters
    + files + providers + audit
}

extension EveryWrite {
  fileprivate static let keys: [EveryWrite] = [
    EveryWrite("kv.put") { try await $0.kv(.global).put("put", $3 ? 2 : 1, with: $2) },
    EveryWrite("kv.put a coded value") {
      try await $0.kv(.global).put("coded", encoding: [$3 ? 2 : 1], with: $2)
    },
    EveryWrite("kv.putMany") {
      try await $0.kv(.global).putMany([Put("a", 1), Put("b", $3 ? 2 : 1)], with: $2)
    },
    EveryWrite("kv.delete", { "\(try await $0.kv(.global).put("gone", 1).isNew)" }) {
      try await $0.kv(.global).delete($3 ? "other" : "gone", with: $2)
    },
    EveryWrite("kv.deleteMany", { "\(try await $0.kv(.global).put("gone", 1).isNew)" }) {
      try await $0.kv(.global).deleteMany(["gone", $3 ? "b" : "c"], with: $2)
    },
    EveryWrite("kv.increment") {
      try await $0.kv(.global).increment("n", by: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("kv.incrementEntry") {
      try await $0.kv(.global).incrementEntry("m", by: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("kv.expire", { "\(try await $0.kv(.global).put("e", 1).isNew)" }) {
      try await $0.kv(.global).expire("e", after: .seconds($3 ? 2_000 : 1_000), with: $2)
    },
    EveryWrite("kv.persist", { "\(try await $0.kv(.global).put("p", 1, ttl: .seconds(99)).isNew)" })
    { try await $0.kv(.global).persist($3 ? "e" : "p", with: $2) },
    EveryWrite("kv.clear", { "\(try await $0.kv(.bot("cleared")).put("k", 1).isNew)" }) {
      try await $0.kv(.bot("cleared")).clear(below: $3, with: $2)
    },
    EveryWrite("namespaces.clear", { "\(try await $0.kv(.bot("other")).put("k", 1).isNew)" }) {
      try await $0.namespaces.clear(.bot("other"), below: $3, with: $2)
    },
  ]

  fileprivate static let runs: [EveryWrite] = [
    EveryWrite("runs.begin") { try await $0.runs.begin(tags: $3 ? [] : ["t"], with: $2) },
    EveryWrite("runs.update", { try await $0.runs.begin().id }) {
      try await $0.runs.update($1, tags: ["t"], metadata: ["n": $3 ? 2 : 1], with: $2)
    },
    EveryWrite("runs.apply", { try await $0.runs.begin().id }) {
      try await $0.runs.apply(.fail, to: $1, error: $3 ? nil : "no money", with: $2)
    },
    EveryWrite("runs.delete", { try await $0.runs.begin().id }) {
      try await $0.runs.delete($3 ? "other" : $1, with: $2)
    },
    EveryWrite("bots.create") { try await $0.bots.create(slug: $3 ? "s" : "made", with: $2) },
    EveryWrite("bots.update", { try await $0.bots.create(slug: "updated").id }) {
      try await $0.bots.update(
        $1, slug: "new", name: $3 ? nil : "New", metadata: ["n": 1], with: $2)
    },
    EveryWrite("bots.delete", { try await $0.bots.create(slug: "deleted").id }) {
      try await $0.bots.delete($3 ? "other" : $1, with: $2)
    },
  ]

  fileprivate static let sessions: [EveryWrite] = [
    EveryWrite("sessions.save") {
      try await $0.sessions.save(
        SessionEntry(channel: "c", user: "u", data: $3 ? 2 : 1), with: $2)
    },
    EveryWrite("sessions.touch", { try await $0.sessions.save(SessionEntry()).session.id }) {
      try await $0.sessions.touch($3 ? "other" : $1, with: $2)
    },
    EveryWrite("sessions.append", { try await $0.sessions.save(SessionEntry()).session.id }) {
      try await $0.sessions.append([["n": $3 ? 2 : 1]], to: $1, with: $2)
    },
    EveryWrite("sessions.pop", conversation) {
      try await $0.sessions.pop($3 ? "other" : $1, with: $2)
    },
    EveryWrite("sessions.clear", conversation) {
      try await $0.sessions.clear($3 ? "other" : $1, with: $2)
    },
    EveryWrite("sessions.delete", conversation) {
      try await $0.sessions.delete($3 ? "other" : $1, with: $2)
    },
  ]

  fileprivate static let threads: [EveryWrite] = [
    EveryWrite("threads.upsert") {
      try await $0.threads.upsert(
        channel: "c", thread: "t", sessionKey: "s", data: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("threads.touch", thread) {
      try await $0.threads.touch(channel: $3 ? "d" : "c", thread: $1, with: $2)
    },
    EveryWrite("threads.delete", thread) {
      try await $0.threads.delete(channel: $3 ? "d" : "c", thread: $1, with: $2)
    },
  ]

  @Sendable private static func conversation(_ store: Store) async throws -> String {
    let id = try await store.sessions.save(SessionEntry()).session.id
    try await store.sessions.append([["n": 1], ["n": 2], ["n": 3]], to: id)
    return id
  }

  @Sendable private static func thread(_ store: Store) async throws -> String {
    try await store.threads.upsert(channel: "c", thread: "there", sessionKey: "s").thread.thread
  }
}

extension EveryWrite {
  fileprivate static let tasks: [EveryWrite] = [
    EveryWrite("tasks.enqueue") {
      try await $0.tasks.enqueue("work", parameters: ["n": $3 ? 2 : 1], with: $2)
    },
    EveryWrite("tasks.enqueue a draft") {
      try await $0.tasks.enqueue(TaskDraft("work", queue: $3 ? "other" : "q"), with: $2)
    },
    EveryWrite("tasks.enqueueMany") {
      try await $0.tasks.enqueueMany(
        [TaskDraft("work"), TaskDraft($3 ? "play" : "work")], with: $2)
    },
    EveryWrite("tasks.save") {
      try await $0.tasks.save(
        TaskDraft("work"), status: .failed, result: 1, error: $3 ? "b" : "a",
        createdAt: Instant(microseconds: 1), startedAt: Instant(microseconds: 2),
        completedAt: Instant(microseconds: 3), with: $2)
    },
    EveryWrite("tasks.updateStatus", { try await $0.makeTask() }) {
      try await $0.tasks.updateStatus(
        $1, to: .cancelled, result: 1, error: $3 ? "b" : "a", with: $2)
    },
    EveryWrite("tasks.cancel", { try await $0.makeTask() }) {
      try await $0.tasks.cancel($1, reason: $3 ? nil : "late", with: $2)
    },
    EveryWrite("tasks.requeue", failed) {
      try await $0.tasks.requeue($1, delay: .seconds($3 ? 2 : 1), with: $2)
    },
    EveryWrite("tasks.replay", failed) {
      try await $0.tasks.replay($3 ? "other" : $1, with: $2)
    },
  ]

  fileprivate static let tasksAtWork: [EveryWrite] = [
    EveryWrite("tasks.complete", running) {
      try await $0.tasks.complete($1, result: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("tasks.fail", running) {
      try await $0.tasks.fail($1, error: $3 ? "b" : "a", retry: .never, with: $2)
    },
    EveryWrite("tasks.fail, to be tried again", running) {
      try await $0.tasks.fail(
        $1, error: "a", retry: $3 ? .backOff : .after(.seconds(3)), with: $2)
    },
    EveryWrite("tasks.release", running) {
      try await $0.tasks.release($3 ? "other" : $1, with: $2)
    },
  ]

  @Sendable private static func running(_ store: Store) async throws -> String {
    try await store.tasks.updateStatus(store.makeTask(), to: .running).id
  }

  @Sendable private static func failed(_ store: Store) async throws -> String {
    try await store.tasks.updateStatus(store.makeTask(), to: .failed).id
  }

  fileprivate static let approvals: [EveryWrite] = [
    EveryWrite("approvals.request") {
      try await $0.approvals.request(ApprovalRequest("act", resource: $3 ? "b" : "a"), with: $2)
    },
    EveryWrite("approvals.decide", request) {
      try await $0.approvals.decide($1, .deny, by: "al", reason: $3 ? nil : "why", with: $2)
    },
    EveryWrite(
      "approvals.consume", { try await $0.approvals.decide(request($0), .approve).id }
    ) {
      try await $0.approvals.consume($1, ApprovalScope($3 ? "other" : "act"), with: $2)
    },
    EveryWrite("approvals.delete", request) {
      try await $0.approvals.delete($3 ? "other" : $1, with: $2)
    },
    EveryWrite(
      "grants.revoke",
      { store in
        let task = try await store.makeTask()
        let id = try await store.approvals.request(ApprovalRequest("act", task: task)).id
        try await store.approvals.decide(id, .approve, grant: true)
        return try await store.grants.list(GrantQuery(task: task)).items.first?.id ?? ""
      }
    ) { try await $0.grants.revoke($3 ? "other" : $1, with: $2) },
  ]

  fileprivate static let policies: [EveryWrite] = [
    EveryWrite("policies.set") {
      try await $0.policies.set("set", .requireApproval, grants: $3 ? nil : true, with: $2)
    },
    EveryWrite("policies.delete", { try await $0.policies.set("p", .alwaysDeny).policy.permission })
    { try await $0.policies.delete($3 ? "other" : $1, with: $2) },
  ]

  @Sendable private static func request(_ store: Store) async throws -> String {
    try await store.approvals.request(ApprovalRequest("act")).id
  }
}

extension EveryWrite {
  fileprivate static let deadLetters: [EveryWrite] = [
    EveryWrite("deadLetters.save") {
      try await $0.deadLetters.save(DeadLetterEntry(source: "s", message: $3 ? 2 : 1), with: $2)
    },
    EveryWrite("deadLetters.retryFailed", letter) {
      try await $0.deadLetters.retryFailed(
        $1, next: Instant(microseconds: .max / 4), error: $3 ? "b" : "a", with: $2)
    },
    EveryWrite("deadLetters.retryFailed at its own time", letter) {
      try await $0.deadLetters.retryFailed($1, error: $3 ? nil : "a", with: $2)
    },
    EveryWrite("deadLetters.resolve", letter) {
      try await $0.deadLetters.resolve($1, reason: $3 ? nil : "done", with: $2)
    },
    EveryWrite("deadLetters.redrive", letter) {
      try await $0.deadLetters.redrive($1, message: $3 ? Value?.none : .null, with: $2)
    },
    EveryWrite("deadLetters.redriveMany", letter) {
      try await $0.deadLetters.redriveMany([$1], message: $3 ? Value?.none : 7, with: $2)
    },
  ]

  fileprivate static let files: [EveryWrite] = [
    EveryWrite("files.save") { try await $0.files(.run("f")).save("a", [$3 ? 2 : 1], with: $2) },
    EveryWrite("files.save a stream") {
      try await $0.files(.run("f")).save(
        "s", contentsOf: Pieces(content: bytes(9, seed: $3 ? 2 : 1), length: 4), with: $2)
    },
    EveryWrite("files.restore", file) {
      try await $0.files(.run("f")).restore($1, number: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("files.setIndexed", file) {
      try await $0.files(.run("f")).setIndexed($1, !$3, with: $2)
    },
    EveryWrite("files.rename", file) {
      try await $0.files(.run("f")).rename($1, to: $3 ? "r2" : "r1", with: $2)
    },
    EveryWrite("files.keepVersions", file) {
      try await $0.files(.run("f")).keepVersions($3 ? 2 : 1, of: $1, with: $2)
    },
    EveryWrite("files.delete", file) {
      try await $0.files(.run("f")).delete($3 ? "other" : $1, with: $2)
    },
  ]

  fileprivate static let providers: [EveryWrite] = [
    EveryWrite("providers.put") {
      try await $0.providers.put("put", priority: $3 ? 2 : 1, with: $2)
    },
    EveryWrite("providers.delete", provider) {
      try await $0.providers.delete($3 ? "other" : $1, with: $2)
    },
    EveryWrite("providers.success", provider) {
      try await $0.providers.success($1, latency: .milliseconds($3 ? 2 : 1), with: $2)
    },
    EveryWrite("providers.failure", provider) {
      try await $0.providers.failure(
        $1, kind: .timeout, error: $3 ? nil : "slow", with: $2)
    },
    EveryWrite("providers.rateLimited", provider) {
      try await $0.providers.rateLimited($1, retryAfter: .seconds($3 ? 2 : 1), with: $2)
    },
  ]

  fileprivate static let audit: [EveryWrite] = [
    EveryWrite("audit.record") {
      try await $0.audit.record(AuditEntry(action: "a", details: ["n": $3 ? 2 : 1]), with: $2)
    },
    EveryWrite("audit.record several") {
      try await $0.audit.record(
        [AuditEntry(action: "a"), AuditEntry(action: $3 ? "c" : "b")], with: $2)
    },
  ]

  @Sendable private static func letter(_ store: Store) async throws -> String {
    try await store.deadLetters.save(DeadLetterEntry(source: "s", message: "m")).id
  }

  @Sendable private static func file(_ store: Store) async throws -> String {
    try await store.files(.run("f")).save("three", [1])
    try await store.files(.run("f")).save("three", [2])
    return try await store.files(.run("f")).save("three", [3]).name
  }

  @Sendable private static func provider(_ store: Store) async throws -> String {
    try await store.providers.put("there").name
  }
}
