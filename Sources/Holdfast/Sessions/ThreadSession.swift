public import HoldfastCore
import HoldfastEngine

/// Which session a thread of a channel is talking to.
public struct ThreadSession: Sendable, Equatable, Codable {
  /// The channel.
  public let channel: String
  /// The thread of the channel.
  public let thread: String
  /// The session's key, which the caller chose: often a session's identifier.
  public let sessionKey: String
  /// What the caller keeps with it.
  public let data: Value
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was first written.
  public let createdAt: Instant
  /// When the last message came: when it was last written or touched.
  public let lastMessageAt: Instant
}

/// A thread session after a write.
public struct SavedThread: Sendable, Equatable, Codable {
  /// The thread session as it is now.
  public let thread: ThreadSession
  /// Whether it came into being by this write.
  public let isNew: Bool
}

extension ThreadSession {
  /// A row: channel, thread, session key, data, version, created, last message.
  init(row: Row) throws(StoreError) {
    self.init(
      channel: row.text(0), thread: row.text(1), sessionKey: row.text(2),
      data: try ValueText.decode(row.textBytes(3)), version: row.integer(4),
      createdAt: Instant(microseconds: row.integer(5)),
      lastMessageAt: Instant(microseconds: row.integer(6)))
  }
}

/// The place of a thread session in the order of channels and threads, as an opaque cursor.
struct ThreadPlace: Equatable {
  let channel: String
  let thread: String

  /// Before the first one: no name is empty.
  static let start = ThreadPlace(channel: "", thread: "")

  init(channel: String, thread: String) {
    self.channel = channel
    self.thread = thread
  }

  /// Where a page goes on.
  ///
  /// - Parameters:
  ///   - token: The cursor.
  ///   - asked: The channel whose threads are listed; `nil` for those of all.
  /// - Throws: `invalid` for a cursor of another list or another channel.
  init(token: String, of asked: String?) throws(StoreError) {
    let parts = try ListCursor.parts(of: token, in: .threads, count: 2)
    guard let bytes = Base64.decodeURL(parts[0]),
      let channel = String(validating: bytes, as: UTF8.self),
      asked.map({ Bytewise.equal($0, channel) }) ?? true
    else { throw ListCursor.foreign }
    self.init(channel: channel, thread: parts[1])
  }

  /// The place as an opaque cursor; the channel is written so that it holds no dot.
  var token: String {
    ListCursor.token(.threads, Base64.encodeURL(Array(channel.utf8)), thread)
  }
}

/// The statements behind thread sessions.
enum ThreadSQL {
  /// What every statement that gives thread sessions gives, in the order in which one is read.
  static let columns = """
    channel, thread, session_key, data, version, created_at, last_message_at
    """

  /// $1 channel, $2 thread.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM thread_sessions
    WHERE channel = $1 AND thread = $2
    """)

  /// $1 channel, $2 thread, $3 session key, $4 data.
  static let create = Statement(
    """
    INSERT INTO thread_sessions (channel, thread, session_key, data, version, created_at,
      last_message_at)
    VALUES ($1, $2, $3, $4, holdfast_revision(), holdfast_now(), holdfast_now())
    ON CONFLICT (channel, thread) DO NOTHING
    """)

  /// $1 channel, $2 thread, $3 session key, $4 data.
  static let replace = Statement(
    """
    UPDATE thread_sessions
    SET session_key = $3, data = $4, version = holdfast_revision(),
      last_message_at = holdfast_now()
    WHERE channel = $1 AND thread = $2
    """)

  /// $1 channel, $2 thread.
  static let touch = Statement(
    """
    UPDATE thread_sessions
    SET version = holdfast_revision(), last_message_at = holdfast_now()
    WHERE channel = $1 AND thread = $2
    """)

  /// $1 channel, $2 thread.
  static let delete = Statement(
    """
    DELETE FROM thread_sessions
    WHERE channel = $1 AND thread = $2
    """)

  /// $1 channel and $2 thread after which it goes on, $3 how many.
  static let list = Statement(
    """
    SELECT \(columns)
    FROM thread_sessions
    WHERE (channel, thread) > ($1, $2)
    ORDER BY channel, thread
    LIMIT CAST($3 AS BIGINT)
    """)

  /// $1 channel, $2 thread after which it goes on, $3 how many.
  static let listOfChannel = Statement(
    """
    SELECT \(columns)
    FROM thread_sessions
    WHERE channel = $1 AND thread > $2
    ORDER BY thread
    LIMIT CAST($3 AS BIGINT)
    """)
}
