import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct DeadLetterTests {
  /// Goal: a letter lives through its routes.
  ///
  /// Method: save, fail, give up, redrive with an edit, and resolve one letter on every engine.
  @Test(arguments: Engines.available)
  func `a letter lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send(
        "POST", "/v1/dead-letters",
        [
          "id": "a/b", "source": "slack", "message": ["text": "hi"], "error": "no channel",
          "channel": "C1", "thread": "17", "next_retry_at": "2030-01-01T00:00:00Z",
        ])
      #expect(made.status == 201 && made.headers["location"] == "/v1/dead-letters/a%2Fb")
      #expect(made.body["status"] == "open" && made.body["retry_count"] == 0)
      #expect(made.body["next_retry_at"] == "2030-01-01T00:00:00.000000Z")
      #expect(made.body["history"] == [] && made.body["resolved_at"] == .null)
      let path = "/v1/dead-letters/a%2Fb"
      #expect(try await server.send("GET", path).body == made.body)
      let failed = try await server.send("POST", "\(path)/retry-failed", ["error": "busy"])
      #expect(failed.body["retry_count"] == 1 && failed.body["status"] == "open")
      let next: Value = ["next_retry_at": "2031-01-01T00:00:00Z"]
      let again = try await server.send("POST", "\(path)/retry-failed", next)
      #expect(again.body["next_retry_at"] == "2031-01-01T00:00:00.000000Z")
      let given = try await server.send("POST", "\(path)/retry-failed", ["next_retry_at": .null])
      #expect(given.body["status"] == "given_up" && given.body["next_retry_at"] == .null)
      #expect(try await server.send("POST", "\(path)/retry-failed").code == "invalid_state")
      let redriven = try await server.send(
        "POST", "\(path)/redrive", ["message": ["text": "ho"], "reason": "renamed"])
      #expect(redriven.body["status"] == "open" && redriven.body["message"] == ["text": "ho"])
      let event = try #require(redriven.body["history"]?.arrayValue?.last)
      #expect(event["action"] == "redrive" && event["by"] == "root")
      #expect(event["message_before"] == ["text": "hi"] && event["reason"] == "renamed")
      let due = try await server.send("GET", "/v1/dead-letters?retryable=true")
      #expect(due.body["items"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["a/b"])
      let resolved = try await server.send("POST", "\(path)/resolve", ["reason": "sent"])
      #expect(resolved.body["status"] == "resolved")
      for verb in ["resolve", "redrive", "retry-failed"] {
        let answer = try await server.send("POST", "\(path)/\(verb)")
        #expect(answer.status == 409 && answer.code == "invalid_state")
        #expect(try await server.send("POST", "/v1/dead-letters/none/\(verb)").status == 404)
      }
      #expect(try await server.send("GET", "/v1/dead-letters/none").status == 404)
      let audited = try await server.store.audit.list(AuditQuery(subject: "dead_letter:a/b")).items
      #expect(audited.map(\.actor) == ["root", "root"])
    }
  }

  /// Goal: letters are listed by each of their filters and redriven by name or by filter.
  ///
  /// Method: letters of two sources and a task, and what each request gives.
  @Test(arguments: Engines.available)
  func `letters are listed and redriven by filter`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let letters = server.store.deadLetters
      for (id, source, run) in [
        ("1", "slack", "42"), ("2", "mail", nil), ("3", "slack", nil), ("4", "other", nil),
      ] as [(String, String, String?)] {
        try await letters.save(DeadLetterEntry(id, source: source, message: 1, run: run))
        try await letters.retryFailed(id, next: nil)
      }
      try await letters.resolve("4")
      func ids(_ answer: Answer) -> [String] {
        #expect(answer.status == 200, "\(answer.text)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
      }
      func list(_ query: String) async throws -> [String] {
        ids(try await server.send("GET", "/v1/dead-letters?\(query)"))
      }
      func redrive(_ body: Value) async throws -> Answer {
        try await server.send("POST", "/v1/dead-letters/redrive", body)
      }
      #expect(try await list("") == ["4", "3", "2", "1"])
      #expect(try await list("status=resolved") == ["4"])
      #expect(try await list("status=given_up&source=slack") == ["3", "1"])
      #expect(try await list("source=task").isEmpty)
      #expect(try await list("run=42") == ["1"])
      #expect(try await list("status=open").isEmpty)
      #expect(try await ids(redrive(["source": "slack", "limit": 1])) == ["3"])
      let next = try #require(try await redrive(["limit": 3]).body["next"]?.stringValue)
      #expect(try await ids(redrive(["limit": 3, "after": .string(next)])) == ["1"])
      #expect(try await list("status=open") == ["3", "2", "1"])
      #expect(try await ids(redrive(["ids": ["2", "1"], "message": .null])) == ["2", "1"])
      #expect(try await letters.get("2")?.message == .null)
      let bad = try await redrive(["ids": ["1", "4"]])
      #expect(bad.status == 409 && bad.details["index"] == 1)
      for body: Value in [
        ["status": "lost"], ["ids": [1]], ["ids": [], "source": "slack"], ["limit": 0],
        ["since": "now"], ["after": "x"],
      ] {
        #expect(try await redrive(body).status == 422, "\(body)")
      }
      for query in ["status=lost", "after=x", "limit=0", "retryable=true&run=42"] {
        #expect(try await server.send("GET", "/v1/dead-letters?\(query)").status == 400)
      }
      let post = try await server.send("POST", "/v1/dead-letters", ["source": "slack"])
      #expect(post.status == 422 && post.details["field"] == "message")
    }
  }

  /// Goal: what is due is listed to its end, page by page.
  ///
  /// Method: three letters that are due, one a page, also for a token that sees two of them.
  @Test(arguments: Engines.available)
  func `what is due is listed in pages`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let due = Instant(microseconds: 1)
      for (id, run) in [("a", "1"), ("b", "2"), ("c", "1")] {
        try await server.store.deadLetters.save(
          DeadLetterEntry(id, source: "slack", message: 1, run: run, nextRetryAt: due))
      }
      let token = try await server.token(.reader, "run:1")
      for (token, expected) in [(nil, ["a", "b", "c"]), (token, ["a", "c"])] {
        var ids: [String] = []
        var place = ""
        repeat {
          let path = "/v1/dead-letters?retryable=true&limit=1\(place)"
          let page =
            if let token {
              try await server.send("GET", path, as: token)
            } else {
              try await server.send("GET", path)
            }
          #expect(page.status == 200 && page.body["items"]?.arrayValue?.count == 1)
          ids += (page.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
          place = page.body["next"]?.stringValue.map { "&after=\($0)" } ?? ""
        } while !place.isEmpty
        #expect(ids == expected)
      }
      let foreign = try await server.send("GET", "/v1/dead-letters?retryable=true&after=x")
      #expect(foreign.status == 400)
    }
  }

  /// Goal: the letter of a task is written by the store alone, and the word for all tasks is no
  /// source.
  @Test(arguments: Engines.available)
  func `nobody writes a task's letter`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let task = try await server.store.tasks.save(TaskDraft("work"), status: .failed)
      let letter = try await server.store.deadLetters.save(
        DeadLetterEntry(source: "task:\(task.id)", message: [:]))
      let over = try await server.send(
        "POST", "/v1/dead-letters", ["id": .string(letter.id), "source": "slack", "message": 1])
      #expect(over.status == 409 && over.code == "invalid_state")
      for source in ["task", "task:1"] {
        let new = try await server.send(
          "POST", "/v1/dead-letters", ["source": .string(source), "message": 1])
        #expect(new.status == 422 && new.details["field"] == "source")
        #expect(new.details["reason"] == "reserved")
      }
      #expect(try await server.store.deadLetters.get(letter.id) == letter)
    }
  }

  /// Goal: a redrive by filter reaches no letter that its caller may not see.
  ///
  /// Method: letters of two runs and of none; a token of one run redrives whatever is from slack.
  @Test(arguments: Engines.available)
  func `a filter redrives only what its caller sees`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let letters = server.store.deadLetters
      for (id, run) in [("mine", "1"), ("theirs", "2"), ("nobody's", nil)] as [(String, String?)] {
        try await letters.save(DeadLetterEntry(id, source: "slack", message: 1, run: run))
        try await letters.retryFailed(id, next: nil)
      }
      let token = try await server.token(.operator, "run:1")
      let answer = try await server.send(
        "POST", "/v1/dead-letters/redrive", ["source": "slack", "message": 2], as: token)
      #expect(answer.status == 200)
      #expect(answer.body["items"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["mine"])
      for (id, message) in [("mine", 2), ("theirs", 1), ("nobody's", 1)] as [(String, Int64)] {
        #expect(try await letters.get(id)?.message == .integer(message), "\(id)")
      }
    }
  }
}
