import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct PreconditionTests {
  /// Goal: entity tags are read as RFC 9110 writes them.
  ///
  /// Method: lists, weak tags, foreign tags and the star.
  @Test func `entity tags are read exactly`() throws {
    #expect(try EntityTags("*").isAny)
    #expect(try EntityTags(#""7""#).strong == ["7"])
    #expect(try EntityTags(#" "7" , W/"8","x,y" "#).strong == ["7", "x,y"])
    #expect(try EntityTags(#""7", W/"8""#).weak == ["8"])
    for text in ["7", "", #""7"#, #""7" "8""#, #""7","#, "*, *"] {
      #expect(throws: Refusal.self) { try EntityTags(text) }
    }
  }

  /// Goal: a write happens only where its condition holds, on every engine and with every method.
  ///
  /// Method: for each condition, send it to a key that is there and to one that is not, and look at
  /// the status and at the version that a refusal names.
  @Test(arguments: Engines.available)
  func `a conditional write holds its condition`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let kv = server.store.kv(.global)
      let cases: [(field: String, value: String, there: Bool, missing: Bool)] = [
        ("If-Match", "CURRENT", true, false), ("If-Match", #""1", CURRENT"#, true, false),
        ("If-Match", #""999999""#, false, false), ("If-Match", "*", true, false),
        ("If-Match", "W/CURRENT", false, false), ("If-None-Match", "*", false, true),
        ("If-None-Match", "CURRENT", false, true), ("If-None-Match", #""999999""#, true, true),
      ]
      for (place, test) in cases.enumerated() {
        let version = try await kv.put("there-\(place)", 1).entry.version
        let field = [test.field: test.value.replacing("CURRENT", with: "\"\(version)\"")]
        let there = "/v1/kv/global/there-\(place)"
        let missing = "/v1/kv/global/missing-\(place)"
        let put = try await server.send("PUT", there, ["value": 2], headers: field)
        #expect(put.status == (test.there ? 200 : 412), "\(test)")
        if !test.there { #expect(put.details["version"]?.integerValue == version) }
        let new = try await server.send("PUT", missing, ["value": 2], headers: field)
        #expect(new.status == (test.missing ? 201 : 412), "\(test)")
        if !test.missing { #expect(new.details["version"] == .null) }
        let count = try await server.send("POST", "\(missing)-n/increment", headers: field)
        #expect(count.status == (test.missing ? 200 : 412), "\(test)")
        let stale = try await server.send("DELETE", there, headers: ["If-Match": #""999999""#])
        #expect(stale.status == 412)
        let now = try #require(try await kv.getEntry("there-\(place)")?.version)
        let gone = try await server.send("DELETE", there, headers: ["If-Match": "\"\(now)\""])
        #expect(gone.status == 204)
      }
    }
  }

  /// Goal: a read that would bring nothing new is 304.
  ///
  /// Method: GET and HEAD with the version that is there, with another one, and malformed.
  @Test func `a conditional read spares the body`() async throws {
    try await withServer { server in
      let version = try await server.store.kv(.global).put("a", 1).entry.version
      let path = "/v1/kv/global/a"
      for method in ["GET", "HEAD"] {
        let same = try await server.send(
          method, path, headers: ["If-None-Match": "W/\"\(version)\""])
        #expect(same.status == 304)
        #expect(same.text.isEmpty)
        #expect(same.version == version)
        let other = try await server.send(method, path, headers: ["If-None-Match": #""1000000""#])
        #expect(other.status == 200)
        #expect(try await server.send(method, path, headers: ["If-Match": "\"0\""]).status == 412)
        #expect(try await server.send(method, path, headers: ["If-Match": "7"]).status == 400)
      }
    }
  }

  /// Goal: runs and bots take conditions too, and what has no single version refuses them.
  ///
  /// Method: update with an old and the current version, and send a condition with a batch.
  @Test func `everything with a version takes conditions`() async throws {
    try await withServer { server in
      let run = try await server.store.runs.begin("r")
      let bot = try await server.store.bots.create("b", slug: "b")
      for (path, version) in [("/v1/runs/r", run.version), ("/v1/bots/b", bot.version)] {
        let old = try await server.send(
          "PATCH", path, ["metadata": ["a": 1]], headers: ["If-Match": #""0""#])
        #expect(old.status == 412)
        let new = try await server.send(
          "PATCH", path, ["metadata": ["a": 1]], headers: ["If-Match": "\"\(version)\""])
        #expect(new.status == 200)
        let read = try await server.send(
          "GET", path, headers: ["If-None-Match": "\"\(try #require(new.version))\""])
        #expect(read.status == 304)
      }
      let batch = try await server.send(
        "POST", "/v1/kv/global/put-many", ["items": []], headers: ["If-Match": "*"])
      #expect(batch.status == 400)
    }
  }

  /// Goal: entity tags are compared byte for byte.
  ///
  /// Method: the current version written otherwise.
  @Test func `a tag written otherwise does not match`() async throws {
    try await withServer { server in
      let version = try await server.store.kv(.global).put("a", 1).entry.version
      for tag in ["0\(version)", "+\(version)"] {
        let answer = try await server.send(
          "PUT", "/v1/kv/global/a", ["value": 2], headers: ["If-Match": "\"\(tag)\""])
        #expect(answer.status == 412, "\(tag)")
      }
      #expect(try await server.store.kv(.global).get("a") == 1)
    }
  }
}
