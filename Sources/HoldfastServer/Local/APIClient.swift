package import HTTPTypes
package import HoldfastCore

/// Speaks the HTTP API to a store: over a network, or to the router inside this process.
///
/// ```swift
/// let answer = try await client.send(APIRequest(.get, "/v1/kv/global/plan"))
/// let plan = try await answer.body.collect(upTo: 1 << 26)
/// ```
package protocol APIClient: Sendable {
  /// Sends a request and gives its answer as soon as its head is there.
  ///
  /// An answer with an error's status is an answer like any other; what is thrown is only what kept
  /// a request from being answered.
  ///
  /// - Parameter request: The request.
  /// - Returns: The answer; its body may still be coming.
  /// - Throws: ``StoreError`` with `unavailable` where no server could be reached, `uncertain`
  ///   where the answer to a write was lost.
  func send(_ request: APIRequest) async throws(StoreError) -> APIResponse
}

/// A request as it goes over the wire.
package struct APIRequest: Sendable {
  /// The method.
  package var method: HTTPRequest.Method
  /// The path with its query, percent-encoded: `/v1/kv/global/a%2Fb?x=1`.
  package var target: String
  /// The header fields; whoever sends it adds the token.
  package var headers: HTTPFields
  /// The body; empty for none.
  package var body: [UInt8]
  /// A body that is read while it is sent, instead of one that is all there.
  package var upload: Upload?
  /// Whether it may change something: where its answer is lost, that is uncertain.
  package var writes: Bool
  /// Whether nothing may come for as long as the work takes, which may be minutes.
  package var isLong = false

  /// A body that comes in pieces.
  package struct Upload: Sendable {
    /// The pieces.
    package let pieces: APIBody
    /// How long they are together; `nil` where that is not known.
    package let length: Int?

    package init(_ pieces: APIBody, length: Int?) {
      self.pieces = pieces
      self.length = length
    }
  }

  package init(
    _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:],
    body: [UInt8] = [], upload: Upload? = nil
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.upload = upload
    writes = method != .get && method != .head
  }
}

/// An answer, whose body may still be coming.
package struct APIResponse: Sendable {
  /// The status, such as 200.
  package var status: Int
  /// The header fields.
  package var headers: HTTPFields
  /// The body; it ends when the answer is complete.
  package var body: APIBody

  package init(status: Int, headers: HTTPFields, body: APIBody) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// A body as pieces of bytes, to be read once, by one task.
///
/// Who stops reading ends the request.
package struct APIBody: AsyncSequence, Sendable {
  package typealias Element = [UInt8]

  private let make: @Sendable () -> Iterator

  /// Makes a body of whatever comes in pieces.
  ///
  /// - Parameters:
  ///   - pieces: The pieces.
  ///   - bytes: The bytes of a piece, or why there are none.
  package init<Pieces: AsyncSequence & Sendable>(
    _ pieces: Pieces, bytes: @escaping @Sendable (Pieces.Element) throws -> [UInt8]
  ) {
    make = {
      var iterator = pieces.makeAsyncIterator()
      return Iterator { try await iterator.next().map(bytes) }
    }
  }

  /// Makes a body of bytes that are all there.
  ///
  /// - Parameter bytes: The bytes.
  package init(_ bytes: [UInt8] = []) {
    make = {
      var rest: [UInt8]? = bytes.isEmpty ? nil : bytes
      return Iterator {
        defer { rest = nil }
        return rest
      }
    }
  }

  /// Begins to read.
  ///
  /// - Returns: An iterator before the first piece.
  package func makeAsyncIterator() -> Iterator { make() }

  /// All bytes of the body.
  ///
  /// - Parameter bytesMax: How many there may be.
  /// - Returns: The bytes.
  /// - Throws: ``StoreError`` with `too_large` past the limit, `unavailable` for a body that broke
  ///   off.
  package func collect(upTo bytesMax: Int) async throws(StoreError) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      for try await piece in self {
        guard bytes.count + piece.count <= bytesMax else {
          throw StoreError(.tooLarge, "The answer is longer than \(bytesMax) bytes.")
        }
        bytes += piece
      }
    } catch {
      if let error = error as? StoreError { throw error }
      throw StoreError(.unavailable, "The answer broke off.", cause: error)
    }
    return bytes
  }

  /// Reads a body piece by piece.
  package struct Iterator: AsyncIteratorProtocol {
    private let piece: () async throws -> [UInt8]?

    init(_ piece: @escaping () async throws -> [UInt8]?) { self.piece = piece }

    /// The next piece; `nil` at the end.
    package mutating func next() async throws -> [UInt8]? { try await piece() }
  }
}
