import HoldfastCore
import Testing

@Suite struct StoreErrorTests {
  /// Goal: every code has its status, exit code, title and hint.
  ///
  /// Method: the table of the documentation.
  @Test(
    arguments: [
      ("invalid", 422, 64), ("unauthenticated", 401, 77), ("forbidden", 403, 77),
      ("not_found", 404, 66),
      ("conflict", 409, 75), ("invalid_state", 409, 65), ("fenced", 409, 75),
      ("too_large", 413, 65),
      ("exhausted", 507, 73), ("unavailable", 503, 69), ("uncertain", 503, 75),
      ("trimmed", 410, 66),
      ("incompatible", 500, 78), ("corrupt", 500, 74), ("closed", 503, 69), ("internal", 500, 70),
    ] as [(String, Int, Int32)])
  func `a code is a decision`(name: String, status: Int, exitCode: Int32) throws {
    let code = try #require(StoreError.Code(name: name))
    #expect(code.name == name)
    #expect("\(code)" == name)
    #expect(code.status == status)
    #expect(code.exitCode == exitCode)
    #expect(!code.title.isEmpty)
    let hint = StoreError(code, "What happened.").hint
    #expect(hint.first?.isUppercase == true && hint.last == ".")
    #expect(StoreError.Code(code.kind) == code)
  }

  /// Goal: the table above has every code, and no other name is one.
  ///
  /// Method: counts, and tries names that come near.
  @Test func `other names are no codes`() {
    #expect(StoreError.Code.Kind.allCases.count == 16)
    #expect(StoreError.Code(name: "notFound") == nil)
    #expect(StoreError.Code(name: "") == nil)
    let constants: [StoreError.Code] = [
      .invalid, .unauthenticated, .forbidden, .notFound, .conflict, .invalidState, .fenced,
      .tooLarge,
      .exhausted, .unavailable, .uncertain, .trimmed, .incompatible, .corrupt, .closed, .internal,
    ]
    #expect(constants.map(\.kind) == StoreError.Code.Kind.allCases)
  }

  /// Goal: `catch` can name a code, whether the type of the error is known or not.
  ///
  /// Method: both kinds of `catch`, with the right code, another one, and another type of error.
  @Test func `a code can be caught`() {
    struct Other: Error {}
    func fail(with error: any Error) throws { throw error }
    func caught(_ error: any Error) -> String {
      do {
        try fail(with: error)
        return "none"
      } catch StoreError.Code.conflict {
        return "conflict"
      } catch {
        return "other"
      }
    }
    #expect(caught(StoreError(.conflict, "")) == "conflict")
    #expect(caught(StoreError(.fenced, "")) == "other")
    #expect(caught(Other()) == "other")
    #expect(StoreError.Code.conflict ~= StoreError(.conflict, ""))
    #expect(!(StoreError.Code.conflict ~= StoreError(.fenced, "")))
  }

  /// Goal: an error's description has code, message and hint, and neither details nor cause.
  ///
  /// Method: an error with all of them, and the copy that `adding` makes.
  @Test func `a description says no more than it may`() {
    struct Cause: Error { let text = "secret" }
    let error = StoreError(
      .conflict, "It changed.", hint: "Read again.", details: ["version": 7], cause: Cause())
    #expect("\(error)" == "conflict: It changed. Read again.")
    let more = error.adding("index", 3)
    #expect("\(more)" == "\(error)")
    #expect(more.details == ["version": 7, "index": 3])
    #expect(more.cause is Cause)
    #expect("\(more.origin)" == "\(error.origin)")
    #expect("\(error.origin)".hasPrefix("CoreTests/ErrorTests.swift:"))
  }

  /// Goal: an error goes over HTTP as RFC 9457 asks, without its cause and origin.
  ///
  /// Method: the whole document, with the code's status and with a more exact one.
  @Test func `an error becomes a problem document`() {
    struct Cause: Error {}
    let error = StoreError(
      .conflict, "It changed.", hint: "Read again.", details: ["version": 7], cause: Cause())
    #expect(
      Value.object(error.problem(typeBase: "https://example.org")).json
        == """
        {"type":"https://example.org/errors/conflict","title":"Changed meanwhile","status":409,\
        "code":"conflict","detail":"It changed.","hint":"Read again.","details":{"version":7}}
        """)
    #expect(error.problem(typeBase: "", status: 412)["status"] == 412)
    #expect(StoreError(.closed, "").problem(typeBase: "")["details"] == [:])
  }

  /// Goal: every reason that names have for refusal has a sentence and a hint.
  ///
  /// Method: all reasons of JSON, through texts, are met elsewhere; here all have distinct words.
  @Test func `reasons of JSON have names of their own`() {
    let names = JSONFailure.Reason.allCases.map(\.rawValue)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.utf8.allSatisfy { $0 == UInt8(ascii: "_") || $0 > 96 } })
  }
}
