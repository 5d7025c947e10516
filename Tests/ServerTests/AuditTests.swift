import Foundation
import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct AuditTests {
  @Test(arguments: Engines.available)
  func `records are added and listed over HTTP`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent, name: "worker")
      let made = try await server.send(
        "POST", "/v1/audit",
        [
          "action": "plan.advance", "subject": "run:42", "run": "42", "actor": "boss",
          "details": ["n": 1],
        ], as: agent)
      #expect(made.status == 201)
      #expect(made.body["actor"] == "worker" && made.body["by"] == "boss")
      #expect(made.body["details"] == ["n": 1] && made.body["bot"] == .null)
      let location = try #require(made.headers["location"])
      #expect(try await server.send("GET", location).body == made.body)
      let many = try await server.send(
        "POST", "/v1/audit", ["records": [["action": "a"], ["action": "b", "by": "x"]]])
      #expect(many.status == 201)
      #expect(many.body["items"]?.arrayValue?.map { $0["by"] } == [.null, "x"])
      for (query, count) in [
        ("run=42", 1), ("actor=worker", 1), ("action=b", 1), ("subject=run:42&run=42", 1),
        ("bot=none", 0), ("memory=none", 0), ("since=2020-01-01T00:00:00Z&action=a", 1),
        ("until=2020-01-01T00:00:00Z", 0),
      ] {
        let list = try await server.send("GET", "/v1/audit?\(query)")
        #expect(list.body["items"]?.arrayValue?.count == count, "\(query)")
        #expect(list.body["next"] == .null)
      }
      let page = try await server.send("GET", "/v1/audit?limit=1")
      let next = try #require(page.body["next"]?.stringValue)
      let rest = try await server.send("GET", "/v1/audit?limit=1&after=\(next)")
      #expect(rest.body["items"]?.arrayValue?.first != page.body["items"]?.arrayValue?.first)
    }
  }

  @Test func `what cannot be recorded is refused over HTTP`() async throws {
    try await withServer { server in
      for body: Value in [
        [:], ["action": ""], ["action": 5], ["action": "a", "details": []],
        ["action": "a", "chain": 3], ["records": 1], ["records": [1]], ["records": [[:]]],
        ["records": [["action": "a", "nonsense": 1]]], ["action": "a", "records": []],
      ] {
        let refused = try await server.send("POST", "/v1/audit", body)
        #expect(refused.status == 422, "\(body)")
      }
      for target in ["?limit=0", "?after=x", "?since=x", "?nonsense=1"] {
        let answer = try await server.send("GET", "/v1/audit\(target)")
        #expect(answer.status == 400, "\(target)")
      }
      for id in ["1:99", "9:1", "x", "1", "1:2:3"] {
        let answer = try await server.send("GET", "/v1/audit/\(id)")
        #expect(answer.status == 404, "\(id)")
      }
      let answer = try await server.send("DELETE", "/v1/audit/1:1")
      #expect(answer.status == 405)
      #expect(try await server.send("PUT", "/v1/audit/1:1", [:]).status == 405)
    }
  }

  /// Goal: a token records and sees what is in its namespaces, and nothing of the whole log.
  @Test(arguments: Engines.available)
  func `records belong to the namespace of their run or bot`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent, "run:*")
      let reader = try await server.token(.reader)
      let both: Value = ["action": "a", "run": "1", "bot": "b"]
      for body: Value in [["action": "a"], ["action": "a", "bot": "b"], both, ["records": [both]]] {
        #expect(try await server.send("POST", "/v1/audit", body, as: agent).status == 403)
        #expect(try await server.send("POST", "/v1/audit", body, as: reader).status == 403)
      }
      let seen = try await server.send(
        "POST", "/v1/audit", ["action": "a", "run": "1"], as: agent)
      #expect(seen.status == 201)
      let partly = try await server.send("POST", "/v1/audit", both)
      let partlyID = try #require(partly.body["id"]?.stringValue)
      #expect(try await server.send("GET", "/v1/audit/\(partlyID)", as: agent).status == 404)
      let hidden = try await server.send("POST", "/v1/audit", ["action": "a", "bot": "b"])
      let mixed: Value = ["records": [["action": "a", "run": "1"], ["action": "a"]]]
      #expect(try await server.send("POST", "/v1/audit", mixed, as: agent).status == 403)
      let list = try await server.send("GET", "/v1/audit", as: agent)
      #expect(list.body["items"] == [seen.body])
      let id = try #require(hidden.body["id"]?.stringValue)
      #expect(try await server.send("GET", "/v1/audit/\(id)", as: agent).status == 404)
      #expect(try await server.send("GET", "/v1/audit/\(id)", as: reader).status == 200)
      #expect(try await server.send("GET", "/v1/audit/anchor", as: agent).status == 403)
      #expect(try await server.send("GET", "/v1/audit/verify", as: agent).status == 403)
      let boss = try await server.token(.operator)
      for method in ["GET", "POST"] {
        for (token, status) in [(agent, 403), (reader, 403), (boss, 200)] {
          let answer = try await server.send(method, "/v1/audit/verify", as: token)
          #expect(answer.status == status)
        }
      }
    }
  }

  /// Goal: what the store itself records is the truth: nobody writes such a record over HTTP.
  ///
  /// Method: every action of the store's, alone, in a list and in a transaction, by whoever may do
  /// most. That the list of actions is whole is read from the source that names them.
  @Test func `nobody records what the store records`() async throws {
    let source = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/Holdfast/Audit/AuditActions.swift"), encoding: .utf8)
    let named = source.matches(of: /static let [a-zA-Z]+ = "([a-z_.]+)"/).map {
      String($0.output.1)
    }
    #expect(named.count > 20 && Set(named) == AuditAction.all)
    try await withServer { server in
      for action in AuditAction.all {
        let record: Value = ["action": .string(action), "subject": "approval:1"]
        let alone = try await server.send("POST", "/v1/audit", record)
        #expect(alone.status == 422 && alone.details["reason"] == "reserved", "\(action)")
        let among = try await server.send(
          "POST", "/v1/audit", ["records": [["action": "a"], record]])
        #expect(among.status == 422)
        let operation: Value = ["op": "audit.record", "action": .string(action)]
        let inside = try await server.send(
          "POST", "/v1/transactions", ["operations": [operation]])
        #expect(inside.status == 422 && inside.details["index"] == 0)
      }
      let records = try await server.store.audit.list().items
      #expect(records.map(\.action) == [AuditAction.tokenCreate])
    }
  }

  /// Goal: one transaction over HTTP holds a record beside other writes, all or nothing.
  @Test(arguments: Engines.available)
  func `a record takes part in a transaction`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      func send(_ last: Value) async throws -> Int {
        try await server.send(
          "POST", "/v1/transactions",
          [
            "operations": [
              ["op": "kv.put", "namespace": "global", "key": "k", "value": 1],
              ["op": "audit.record", "action": "k.set"], last,
            ]
          ]
        ).status
      }
      #expect(try await send(["op": "audit.record", "action": ""]) == 422)
      #expect(try await server.send("GET", "/v1/kv/global/k").status == 404)
      #expect(try await send(["op": "audit.record", "action": "done"]) == 200)
      let list = try await server.send("GET", "/v1/audit?action=k.set")
      #expect(list.body["items"]?.arrayValue?.count == 1)
    }
  }

  @Test(arguments: Engines.available)
  func `the log is verified over HTTP and against an anchor`(
    on engine: TestEngine
  ) async throws {
    try await withServer(on: engine) { server in
      for action in ["a", "b", "c"] {
        try await server.store.audit.record(AuditEntry(action: action))
      }
      let anchor = try await server.send("GET", "/v1/audit/anchor")
      #expect(anchor.status == 200)
      let sound = try await server.send("POST", "/v1/audit/verify", ["anchor": anchor.body])
      #expect(sound.status == 200 && sound.body["valid"] == true)
      #expect(sound.body["first_bad"] == .null && sound.body["reason"] == .null)
      #expect(sound.body["keyed"] == false && sound.body["warning"]?.stringValue != nil)
      for body: Value in [["anchor": 5], ["anchor": [:]], ["nonsense": 1]] {
        #expect(try await server.send("POST", "/v1/audit/verify", body).status == 422)
      }
      let edit = Statement("UPDATE audit_log SET result = 'x' WHERE action = 'b'")
      let undo = Statement("UPDATE audit_log SET result = NULL WHERE action = 'b'")
      _ = try await server.store.engine.write(WriteOptions(), [Step(edit)])
      let bad = try await server.send("GET", "/v1/audit/verify")
      #expect(bad.status == 200 && bad.body["valid"] == false)
      #expect(bad.body["first_bad"]?.integerValue ?? 0 > 0)
      #expect(bad.body["reason"] == "edited")
      _ = try await server.store.engine.write(WriteOptions(), [Step(undo)])
    }
  }

  /// Goal: failed sign-ins are recorded, and nobody fills the disk with them.
  @Test func `failed sign-ins are recorded once a minute and source`() async throws {
    try await withServer { server in
      for _ in 0..<3 {
        #expect(try await server.send("GET", "/v1/kv", as: "hf_nonsense").status == 401)
      }
      let records = try await server.store.audit.list(
        AuditQuery(action: AuditAction.signInFailed)
      ).items
      #expect(records.count == 1)
      #expect(records.first?.actor == "anonymous" && records.first?.subject == "address:127.0.0.1")
      #expect(records.first?.details == ["count": 1, "others": 0])
    }
  }

  @Test func `failed sign-ins are counted where they are not recorded`() {
    var failed = FailedSignIns()
    #expect(failed.note("a", at: .seconds(1)) == .init(address: "a", count: 1, others: 0))
    for second in 2...5 { #expect(failed.note("a", at: .seconds(second)) == nil) }
    #expect(failed.note("a", at: .seconds(61)) == .init(address: "a", count: 5, others: 0))
    // Ever new addresses find no room past the bound of a minute.
    var written = 0
    for number in 0..<500 where failed.note("x\(number)", at: .seconds(130)) != nil { written += 1 }
    #expect(written == FailedSignIns.recordsMax)
    let later = failed.note("y", at: .seconds(200))
    #expect(later == .init(address: "y", count: 1, others: 500 - FailedSignIns.recordsMax))
  }

  @Test func `who makes and revokes a token over HTTP is recorded`() async throws {
    try await withServer { server in
      let made = try await server.send("POST", "/v1/tokens", ["name": "n", "role": "reader"])
      #expect(made.status == 201)
      #expect(try await server.send("DELETE", "/v1/tokens/n").status == 204)
      let records = try await server.store.audit.list(AuditQuery(subject: "token:n")).items
      #expect(records.map(\.action) == [AuditAction.tokenRevoke, AuditAction.tokenCreate])
      let admin = try #require(records.first?.actor)
      #expect(records.allSatisfy { $0.actor == admin } && admin != "library")
    }
  }
}
