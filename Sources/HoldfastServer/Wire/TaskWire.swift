import Holdfast
import HoldfastCore

extension TaskRecord {
  /// The task.
  var json: Value {
    [
      "id": .string(id), "queue": .string(queue), "command": .string(command),
      "parameters": parameters, "status": .string(status.rawValue),
      "priority": .integer(Int64(priority)), "caller": .text(caller),
      "response_channel": .text(responseChannel), "response_thread": .text(responseThread),
      "run": .text(run), "result": result ?? .null, "error": .text(error),
      "progress": progress ?? .null, "attempt": .integer(Int64(attempt)),
      "max_attempts": .integer(Int64(maxAttempts)),
      "retry_base": .string(DurationText.format(backOff.base)),
      "retry_cap": .string(DurationText.format(backOff.cap)), "run_at": .time(runAt),
      "lease_owner": .text(leaseOwner), "lease_expires_at": .time(leaseExpiresAt),
      "fencing_token": .integer(fencingToken), "unique_key": .text(uniqueKey),
      "source": .text(source), "version": .integer(version), "created_at": .time(createdAt),
      "updated_at": .time(updatedAt), "started_at": .time(startedAt),
      "completed_at": .time(completedAt),
    ]
  }

  /// The namespace that decides who may see it.
  var namespace: Namespace { .holding(run: run) }
}

extension EnqueuedTask {
  /// The task, and whether it is new.
  var json: Value {
    var object = task.json.objectValue ?? [:]
    object["is_new"] = .bool(isNew)
    return .object(object)
  }
}

extension TaskStep {
  /// The step.
  var json: Value {
    [
      "name": .string(name), "result": result, "position": .integer(Int64(position)),
      "recorded_at": .time(recordedAt),
    ]
  }
}

extension TaskStats {
  /// The numbers.
  var json: Value {
    let statuses = TaskStatus.allCases.map {
      ($0.rawValue, Value.integer(Int64(byStatus[$0] ?? 0)))
    }
    let commands = byCommand.map { ($0.name, $0.json) }
    let queues = byQueue.map { ($0.name, $0.json) }
    return [
      "by_status": .object(Object(statuses)), "by_command": .object(Object(commands)),
      "by_queue": .object(Object(queues)),
    ]
  }
}

extension TaskStats.Command {
  fileprivate var json: Value {
    [
      "count": .integer(Int64(count)), "finished": .integer(Int64(finished)),
      "duration_average": .duration(durationAverage),
      "duration_max": .duration(finished > 0 ? durationMax : nil),
    ]
  }
}

extension TaskStats.Queue {
  fileprivate var json: Value {
    [
      "pending": .integer(Int64(pending)), "due": .integer(Int64(due)),
      "running": .integer(Int64(running)), "oldest_due_age": .duration(oldestDueAge),
    ]
  }
}

extension Value {
  /// A duration as text, or null where there is none.
  fileprivate static func duration(_ duration: Duration?) -> Value {
    duration.map { .string(DurationText.format($0)) } ?? .null
  }
}
