import Holdfast
import HoldfastCore

extension AuditRecord {
  /// The record.
  var json: Value {
    [
      "id": .string(id), "chain": .integer(chain), "number": .integer(number),
      "time": .time(time), "actor": .string(actor), "by": .text(by), "action": .string(action),
      "subject": .text(subject), "bot": .text(bot), "run": .text(run), "memory": .text(memory),
      "result": .text(result), "details": details, "imported_at": .time(importedAt),
    ]
  }
}

extension AuditVerification {
  /// What was found: the first fault, and all of them.
  var json: Value {
    let first = faults.first
    return [
      "valid": .bool(isValid), "first_bad": first.map { .integer($0.number) } ?? .null,
      "chain": first.map { .integer($0.chain) } ?? .null,
      "reason": .text(first?.reason.rawValue), "faults": .array(faults.map(\.json)),
      "records": .integer(records), "chains": .integer(chains), "keyed": .bool(isKeyed),
      "warning": .text(warning),
    ]
  }
}

extension AuditFault {
  /// A fault with its place.
  fileprivate var json: Value {
    [
      "chain": .integer(chain), "number": .integer(number), "reason": .string(reason.rawValue),
      "sentence": .string(sentence + "."),
    ]
  }
}
