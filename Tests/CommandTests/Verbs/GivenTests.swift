import Foundation
import HoldfastTesting
import Testing

/// What the program is given: its arguments, its environment, and which store it is pointed at.
@Suite(.timeLimit(.minutes(5))) struct GivenWords {
  /// Goal: a key is exact: bytes that are no text are refused, and not mended to another key.
  ///
  /// Method: arguments and variables with a byte that is not UTF-8, from a shell.
  @Test func `what is not UTF-8 is refused`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "u", "k", "1")
    for line in [
      #"holdfast kv put u "$(printf 'k\377')" 1"#, #"holdfast kv put u k "$(printf '\376')""#,
      #"HOLDFAST_STORE="$(printf 'a\377.db')" holdfast kv put u k 2"#,
    ] {
      let outcome = try await place.shell(line)
      #expect(outcome.code == 64, "\(line)")
      #expect(outcome.errors.contains("is not UTF-8 text"), "\(outcome.errors)")
    }
    #expect(try await place.done("kv", "list", "u", "--values").hasSuffix("\t1\n"))
    #expect(try await place.done("kv", "count", "u") == "1\n")
    let files = try FileManager.default.contentsOfDirectory(atPath: place.folder)
    #expect(files.allSatisfy { $0.hasPrefix("store.db") })
  }

  /// Goal: an address that cannot be read is refused, and no part of it is shown: it may hold a
  /// password.
  ///
  /// Method: schemes in other letters and of other programs, and what is no path either; where the
  /// address can be read, the place is named and the password is not.
  @Test func `no address gives its password away`() async throws {
    let place = try await Place()
    let refused = [
      "postgresql+psycopg://u:s3cretpw@h/db", "postgres:/u:s3cretpw@h/db", "postgres:u:s3cretpw@h",
      "ftp://u:s3cretpw@h/x", "mysql://u:s3cretpw@h/x", " postgres://u:s3cretpw@h/db",
      "HTTP://u:s3cretpw@127.0.0.1", "http:/u:s3cretpw@h", "host=h password=s3cretpw dbname=db",
      "file:a.db", "file://a.db", ":memory:", "postgres://u:s3cretpw@h/db?nonsense=1",
    ]
    for address in refused {
      for verb in [["kv", "get", "q", "k"], ["kv", "put", "q", "k", "1"], ["verify"]] {
        let outcome = try await Tool.run(
          .holdfast, verb + ["--store", address], folder: place.folder)
        #expect(outcome.code == 64, "\(address): \(outcome.errors)")
        #expect(!outcome.errors.contains("s3cret"), "\(address)")
      }
    }
    for address in ["POSTGRES://u:s3cretpw@127.0.0.1:1/db", "postgresql://u:s3cretpw@127.0.0.1:1/"]
    {
      let outcome = try await place.holdfast("kv", "get", "q", "k", "--store", address)
      #expect(outcome.code == 69, "\(outcome.errors)")
      #expect(outcome.errors.contains("127.0.0.1:1") && !outcome.errors.contains("s3cret"))
    }
    let server = try await place.holdfast("kv", "namespaces", "--store", "HTTP://127.0.0.1:1")
    #expect(server.code == 69 && server.errors.contains("Connection refused."))
    #expect(!server.errors.contains("errno"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder).isEmpty)
    try await place.done("kv", "put", "q", "k", "1", "--store", "./a:b.db")
    try await place.done("kv", "get", "q", "k", "--store", "file://\(place.folder)/a:b.db")
  }

  /// Goal: who looks before there is anything is told what to do, and nothing is made.
  ///
  /// Method: a reading verb in an empty folder, with the default store, on an empty file and on one
  /// that is no store.
  @Test func `who looks at nothing is told how to begin`() async throws {
    let place = try await Place()
    let first = try await Tool.run(.holdfast, ["kv", "list", "a"], folder: place.folder)
    #expect(first.code == 66)
    #expect(first.errors.contains("There is no store at holdfast-data/holdfast.db."))
    #expect(first.errors.contains("holdfast migrate") && first.errors.contains("--store"))
    let empty = try place.file("empty.db", "")
    let text = try place.file("text.db", String(repeating: "not a store ", count: 100))
    for verb in [["kv", "get", "a", "b"], ["verify"], ["run", "list"]] {
      let nothing = try await Tool.run(.holdfast, verb + ["--store", empty], folder: place.folder)
      #expect(nothing.code == 66, "\(verb): \(nothing.errors)")
      let stranger = try await Tool.run(.holdfast, verb + ["--store", text], folder: place.folder)
      #expect(stranger.code == 74, "\(verb): \(stranger.errors)")
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
    #expect(left == ["empty.db", "text.db"])
    #expect(try Data(contentsOf: URL(filePath: empty)).isEmpty)
  }

  /// Goal: help is given about verbs that there are, and what is none exits 64.
  ///
  /// Method: words that are no verbs, before --help and behind help; those that are.
  @Test func `there is no help about what is no verb`() async throws {
    for words in [
      ["nonsense", "--help"], ["help", "nonsense"], ["help", "kv", "nonsense"],
      ["kv", "nonsense", "--help"],
    ] {
      let outcome = try await Tool.run(.holdfast, words)
      #expect(outcome.code == 64, "\(words)")
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("nonsense"))
    }
    for words in [["help"], ["help", "kv"], ["help", "kv", "get"], ["--help"], ["kv", "--help"]] {
      #expect(try await Tool.run(.holdfast, words).code == 0, "\(words)")
    }
  }

  /// Goal: an @ without a file is told what it lacks.
  @Test func `an at sign needs a file`() async throws {
    let place = try await Place()
    let outcome = try await place.holdfast("kv", "put", "a", "f", "@")
    #expect(outcome.code == 64 && outcome.errors.contains("needs the name of a file"))
    try await place.done("kv", "put", "a", "f", #""@""#)
    #expect(try await place.done("kv", "get", "a", "f", "--raw") == "@")
  }
}
