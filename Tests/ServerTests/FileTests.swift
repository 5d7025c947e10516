import HTTPTypes
import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(3))) struct FileTests {
  private let path = "/v1/files/run:1/a.txt"

  /// Goal: a file lives through its routes.
  ///
  /// Method: save twice, look at it in every way, restore, rename, keep, delete.
  @Test(arguments: Engines.available)
  func `a file lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send(
        "PUT", path, text: "one\n", headers: ["Content-Type": "text/plain"])
      #expect(made.status == 201)
      #expect(made.headers["location"] == path)
      #expect(made.body["number"] == 1 && made.body["size"] == 4)
      let digest = try #require(made.body["digest"]?.stringValue)
      #expect(made.headers["etag"] == "\"\(digest)\"")
      let again = try await server.send("PUT", path, text: "two\n")
      #expect(again.status == 200 && again.body["number"] == 2)
      #expect(again.body["media_type"] == "text/plain" && again.body["indexed"] == false)
      let got = try await server.send("GET", path)
      #expect(got.text == "two\n" && got.headers["content-type"] == "text/plain")
      #expect(got.headers["accept-ranges"] == "bytes")
      #expect(got.headers["x-content-type-options"] == "nosniff")
      let old = try await server.send("GET", "\(path)?number=1")
      #expect(old.text == "one\n" && old.headers["etag"] == "\"\(digest)\"")
      #expect(try await server.send("GET", "\(path)?number=9").status == 404)
      let diff = try await server.send("GET", "\(path)/diff")
      #expect(diff.body["diff"]?.stringValue?.hasSuffix("-one\n+two\n") == true)
      let versions = try await server.send("GET", "\(path)/versions?limit=1")
      #expect(versions.body["items"]?.arrayValue?.first?["number"] == 2)
      #expect(versions.body["next"] == "2")
      #expect(try await server.send("PATCH", path, ["indexed": true]).body["indexed"] == true)
      let restored = try await server.send("POST", "\(path)/restore", ["number": 1])
      #expect(restored.body["number"] == 3 && restored.body["digest"] == .string(digest))
      #expect(restored.body["indexed"] == false)
      let listed = try await server.send("GET", "/v1/files/run:1")
      #expect(listed.body["items"]?.arrayValue?.count == 1)
      let metadata = try await server.send("GET", "\(path)/metadata")
      #expect(metadata.body == restored.body)
      let kept = try await server.send("POST", "\(path)/keep-versions", ["versions": 1])
      #expect(kept.body["removed"] == 2)
      let renamed = try await server.send("POST", "\(path)/rename", ["to": "b.txt"])
      #expect(renamed.body["name"] == "b.txt")
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("DELETE", "/v1/files/run:1/b.txt").status == 204)
      #expect(try await server.send("DELETE", "/v1/files/run:1/b.txt").status == 404)
      #expect(try await server.send("GET", "/v1/files/run:1").body["items"] == [])
      let missing = try await server.send("PUT", "\(path)?must_exist=true", text: "x")
      #expect(missing.status == 404)
      #expect(try await server.send("PATCH", path, ["indexed": true]).status == 404)
    }
  }

  /// Goal: conditional requests go by the content's digest.
  ///
  /// Method: each condition, holding and failing, on reads and writes.
  @Test func `a file's entity tag is its digest`() async throws {
    try await withServer { server in
      let first = try await server.send("PUT", path, text: "one", headers: ["If-None-Match": "*"])
      #expect(first.status == 201)
      let tag = try #require(first.headers["etag"])
      let taken = try await server.send("PUT", path, text: "x", headers: ["If-None-Match": "*"])
      #expect(taken.status == 412)
      let wrong = try await server.send("PUT", path, text: "x", headers: ["If-Match": "\"00\""])
      #expect(wrong.status == 412)
      let right = try await server.send("PUT", path, text: "two", headers: ["If-Match": tag])
      #expect(right.status == 200)
      let same = try #require(right.headers["etag"])
      let known = try await server.send("GET", path, headers: ["If-None-Match": same])
      #expect(known.status == 304 && known.text.isEmpty && known.headers["etag"] == same)
      #expect(try await server.send("GET", path, headers: ["If-None-Match": tag]).text == "two")
      #expect(try await server.send("GET", path, headers: ["If-Match": tag]).status == 412)
      #expect(try await server.send("DELETE", path, headers: ["If-Match": tag]).status == 412)
      #expect(try await server.send("DELETE", path, headers: ["If-Match": same]).status == 204)
    }
  }

  /// Goal: a range gives exactly its bytes, and one behind the end says how long the file is.
  ///
  /// Method: every form of a range, If-Range, and HEAD.
  @Test(arguments: [
    ("bytes=0-3", "0123", "bytes 0-3/10"), ("bytes=4-", "456789", "bytes 4-9/10"),
    ("bytes=-3", "789", "bytes 7-9/10"), ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ("bytes=8-99", "89", "bytes 8-9/10"), ("bytes=9-9", "9", "bytes 9-9/10"),
    ("bytes=10-", "", "bytes */10"), ("bytes=-0", "", "bytes */10"),
    ("bytes=99999999999999999999-", "", "bytes */10"), ("bytes=5-2", "0123456789", ""),
    ("bytes=0-1,3-4", "0123456789", ""), ("items=0-1", "0123456789", ""),
    ("bytes=x-1", "0123456789", ""), ("bytes=", "0123456789", ""),
  ])
  func `a range gives its bytes`(_ range: String, _ text: String, _ told: String) async throws {
    try await withServer { server in
      let tag = try await server.send("PUT", path, text: "0123456789").headers["etag"] ?? ""
      let answer = try await server.send("GET", path, headers: ["Range": range])
      #expect(answer.headers["content-range"] ?? "" == told)
      if text.isEmpty {
        #expect(answer.status == 416 && answer.code == "invalid")
      } else {
        #expect(answer.text == text)
        #expect(answer.status == (told.isEmpty ? 200 : 206))
        #expect(answer.headers["content-length"] == "\(text.utf8.count)")
      }
      let changed = try await server.send(
        "GET", path, headers: ["Range": range, "If-Range": "\"00\""])
      #expect(changed.status == 200)
      let same = try await server.send("GET", path, headers: ["Range": range, "If-Range": tag])
      #expect(same.status == answer.status)
      let head = try await server.send("HEAD", path)
      #expect(head.status == 200 && head.text.isEmpty && head.headers["content-length"] == "10")
    }
  }

  /// Goal: no spelling of a path leads anywhere, and nothing is written.
  ///
  /// Method: slashes, dots, overlong and broken encodings, namespaces that have no files.
  @Test func `odd names in every encoding are refused`() async throws {
    try await withServer { server in
      let names = [
        "..", ".", "%2e%2e", "%2E", "..%2f", "..%2Fetc%2fpasswd", "a%2Fb", "a%5Cb", "a%00b",
        "%c0%ae%c0%ae", "%c0%af", "%e0%80%af", "%ff", "%", "%2", "%zz",
        String(repeating: "x", count: 256), "%ed%a0%80",
      ]
      for name in names {
        let answer = try await server.send("PUT", "/v1/files/global/\(name)", text: "x")
        #expect(answer.status == 400, "\(name)")
        #expect(try await server.send("GET", "/v1/files/global/\(name)").status == 400, "\(name)")
      }
      for path in ["users:u1/a", "run:1:sub/a", "/a", "global//a", "global/a/"] {
        let answer = try await server.send("PUT", "/v1/files/\(path)", text: "x")
        #expect(answer.status == 400, "\(path)")
      }
      let bad = try await server.send(
        "PUT", "/v1/files/global/a", text: "x", headers: ["Content-Type": "té/xt"])
      #expect(bad.status == 400)
      for name in ["foo..bar", "%252e%252e", "a%20b", "%F0%9F%98%80", "versions"] {
        #expect(try await server.send("PUT", "/v1/files/global/\(name)", text: "x").status == 201)
      }
      #expect(try await server.store.files().list().items.count == 5)
      #expect(try await server.store.files().get("%2e%2e") != nil)
    }
  }

  /// Goal: a body that is too long or breaks off leaves no file, and its sender is told.
  ///
  /// Method: announced as too long, too long in chunks; cut off with a length and in chunks.
  @Test func `a body that is too long or broken leaves no file`() async throws {
    var options = StoreOptions.testing()
    options.limits.fileBytesMax = 1_000_000
    try await withServer(store: options) { server in
      let piece = String(repeating: "x", count: 65_536)
      let chunked = server.head("PUT", path, headers: ["Transfer-Encoding": "chunked"])
      let announced = server.head("PUT", path, length: 1_000_001)
      for head in [announced, chunked] {
        let answer = try await Wire.with(port: server.port) { wire in
          try await wire.write(head)
          for _ in 0..<20 {
            // The server may have closed already.
            try? await wire.write(head == chunked ? "10000\r\n\(piece)\r\n" : piece)
          }
          return Answer(try await wire.readToEnd())
        }
        #expect(answer.status == 413 && answer.code == "too_large")
        #expect(answer.headers["connection"] == "close")
      }
      for head in [server.head("PUT", path, length: 500_000), chunked] {
        try await Wire.with(port: server.port) { wire in
          try await wire.write(head)
          for _ in 0..<3 { try await wire.write(head == chunked ? "10000\r\n\(piece)\r\n" : piece) }
          wire.finishWriting()
          _ = try? await wire.readToEnd()
        }
      }
      #expect(try await server.store.files(.run("1")).list().items.isEmpty)
      let exact = try await server.send(
        "PUT", path, text: String(repeating: "y", count: 1_000_000))
      #expect(exact.status == 201)
      let asked = try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head("PUT", path, headers: ["Expect": "100-continue"], length: 3))
        let word = try await wire.read(through: "\r\n\r\n")
        try await wire.write("abc")
        return word + (try await wire.readToEnd())
      }
      #expect(asked.hasPrefix("HTTP/1.1 100") && asked.contains("HTTP/1.1 200"))
    }
  }

  /// Goal: a save with a key happens once, whatever became of the file since.
  ///
  /// Method: the same key with the same content and with other content.
  @Test func `a save with a key happens once`() async throws {
    try await withServer { server in
      let key = ["Idempotency-Key": "k"]
      let first = try await server.send("PUT", path, text: "one", headers: key)
      let again = try await server.send("PUT", path, text: "one", headers: key)
      #expect(again.status == 201 && again.body == first.body)
      #expect(again.headers["etag"] == first.headers["etag"])
      #expect(try await server.send("PUT", path, text: "two", headers: key).status == 409)
      #expect(try await server.store.files(.run("1")).get("a.txt")?.number == 1)
    }
  }

  /// Goal: a small file is saved in one transaction with other writes.
  ///
  /// Method: text and bytes; a failing operation behind them leaves none.
  @Test(arguments: Engines.available)
  func `files are saved in a transaction`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let operations: [Value] = [
        ["op": "kv.put", "namespace": "run:1", "key": "k", "value": 1],
        [
          "op": "files.save", "namespace": "run:1", "name": "a", "content": "text",
          "media_type": "text/plain", "absent": true,
        ],
        ["op": "files.save", "namespace": "run:1", "name": "b", "content": .bytes([0, 255])],
      ]
      let broken =
        operations + [
          ["op": "files.restore", "namespace": "run:1", "name": "b", "number": 9]
        ]
      let failed = try await server.send(
        "POST", "/v1/transactions", ["operations": .array(broken)])
      #expect(failed.status == 404 && failed.details["index"] == 3)
      #expect(try await server.store.files(.run("1")).list().items.isEmpty)
      let done = try await server.send(
        "POST", "/v1/transactions", ["operations": .array(operations)])
      #expect(done.status == 200)
      #expect(done.body["results"]?.arrayValue?.last?["number"] == 1)
      #expect(try await server.store.files(.run("1")).read("a") == Array("text".utf8))
      #expect(try await server.store.files(.run("1")).read("b") == [0, 255])
      let again = try await server.send(
        "POST", "/v1/transactions", ["operations": .array(operations)])
      #expect(again.status == 409)
      let typed = try await server.send(
        "POST", "/v1/transactions",
        ["operations": [["op": "files.save", "namespace": "global", "name": "a", "content": 5]]])
      #expect(typed.status == 422)
    }
  }

  /// Goal: a token sees and writes the files of its namespaces only.
  ///
  /// Method: another run's token, and a reader's.
  @Test func `files belong to their namespace`() async throws {
    try await withServer { server in
      try await server.store.files(.run("1")).save("a.txt", [1])
      let other = try await server.token(.agent, "run:2")
      let reader = try await server.token(.reader, "run:1")
      for target in [
        path, "\(path)/versions", "\(path)/metadata", "\(path)/diff", "/v1/files/run:1",
      ] {
        #expect(try await server.send("GET", target, as: other).status == 404, "\(target)")
      }
      #expect(try await server.send("PUT", path, text: "x", as: other).status == 403)
      #expect(try await server.send("DELETE", path, as: other).status == 403)
      #expect(try await server.send("GET", path, as: reader).status == 200)
      #expect(try await server.send("PUT", path, text: "x", as: reader).status == 403)
      #expect(try await server.send("GET", path, as: "hf_unknown").status == 401)
    }
  }

  /// Goal: content that turns out to be broken is never taken for whole.
  ///
  /// Method: a chunk is removed behind the store's back; over the wire the connection ends short,
  /// and inside the process the body throws.
  @Test func `broken content ends short`() async throws {
    try await withServer { server in
      let files = server.store.files(.run("1"))
      let content = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 / 131_072) }
      try await files.save("a.txt", content)
      try await server.store.breakLastChunk()
      let answer = try await server.send("GET", path)
      #expect(answer.headers["content-length"] == "2000000")
      #expect(answer.text.utf8.count < 2_000_000)
      let client = LocalClient(store: server.store, user: "ada")
      let response = try await client.send(APIRequest(.get, path))
      await #expect(throws: StoreError.self) { try await response.body.collect(upTo: 1 << 24) }
      try await files.save("a.txt", content)
      #expect(try await server.send("GET", path).text.utf8.count == 2_000_000)
    }
  }

  /// Goal: content streams through the routes without a socket too.
  ///
  /// Method: an upload in pieces, and its answer.
  @Test(arguments: Engines.available)
  func `content streams inside the process`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let client = LocalClient(store: test.store, user: "ada")
      let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 777) }
      let pieces = AsyncStream<[UInt8]> { continuation in
        for start in stride(from: 0, to: content.count, by: 50_000) {
          continuation.yield(Array(content[start..<start + 50_000]))
        }
        continuation.finish()
      }
      let upload = APIRequest.Upload(APIBody(pieces) { $0 }, length: nil)
      let saved = try await client.send(APIRequest(.put, "/v1/files/global/a", upload: upload))
      #expect(saved.status == 201)
      let got = try await client.send(APIRequest(.get, "/v1/files/global/a"))
      #expect(try await got.body.collect(upTo: 1 << 24) == content)
      let short = APIRequest.Upload(APIBody([1, 2, 3]), length: 5)
      let cut = try await client.send(APIRequest(.put, "/v1/files/global/b", upload: short))
      #expect(cut.status == 400)
      #expect(try await test.store.files().get("b") == nil)
    }
  }
}
