import Holdfast
import HoldfastCore

/// What sessions and dead letters look like in JSON.
extension SessionContext {
  /// The session.
  var json: Value {
    [
      "id": .string(id), "run": .text(run), "channel": .text(channel), "thread": .text(thread),
      "user": .text(user), "data": data, "item_count": .integer(Int64(itemCount)),
      "next_position": .integer(nextPosition), "version": .integer(version),
      "created_at": .time(createdAt), "last_used_at": .time(lastUsedAt),
    ]
  }
}

extension SessionItem {
  /// The item with its place.
  var json: Value { ["position": .integer(position), "item": item] }
}

extension ThreadSession {
  /// The thread session.
  var json: Value {
    [
      "channel": .string(channel), "thread": .string(thread), "session_key": .string(sessionKey),
      "data": data, "version": .integer(version), "created_at": .time(createdAt),
      "last_message_at": .time(lastMessageAt),
    ]
  }
}

extension DeadLetter {
  /// The letter.
  var json: Value {
    [
      "id": .string(id), "source": .string(source), "run": .text(run), "channel": .text(channel),
      "thread": .text(thread), "message": message, "error": .text(error),
      "status": .string(status.rawValue), "retry_count": .integer(Int64(retryCount)),
      "next_retry_at": .time(nextRetryAt), "given_up_at": .time(givenUpAt),
      "resolved_at": .time(resolvedAt), "replayed_as": .text(replayedAs),
      "history": .array(history.map(\.value)), "history_dropped": .integer(Int64(historyDropped)),
      "version": .integer(version), "created_at": .time(createdAt), "updated_at": .time(updatedAt),
    ]
  }
}
