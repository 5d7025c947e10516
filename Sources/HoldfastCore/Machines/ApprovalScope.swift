import Crypto

/// What a decision covers: exactly this action on exactly this resource, and nothing else.
///
/// An approval keeps the ``digest`` of what was asked for, and whoever uses the approval says what
/// is about to be done: it is allowed only where the two digests are the same.
public struct ApprovalScope: Sendable, Equatable {
  /// What shall be done, such as `send_email`.
  public var action: String
  /// To what.
  public var resource: String?
  /// How: whatever the action takes.
  public var parameters: Value
  /// Who wants to do it.
  public var caller: String?
  /// The task in which it is done.
  public var task: String?

  /// Makes a scope.
  ///
  /// - Parameters:
  ///   - action: What shall be done.
  ///   - resource: To what.
  ///   - parameters: How.
  ///   - caller: Who wants to do it.
  ///   - task: The task in which it is done.
  public init(
    _ action: String, resource: String? = nil, parameters: Value = [:], caller: String? = nil,
    task: String? = nil
  ) {
    self.action = action
    self.resource = resource
    self.parameters = parameters
    self.caller = caller
    self.task = task
  }

  /// The SHA-256 of the canonical form of an object with the five fields, in which what is missing
  /// is null: 64 hexadecimal digits in lower case.
  public var digest: String {
    let whole: Value = [
      "action": .string(action), "resource": resource.map(Value.string) ?? .null,
      "parameters": parameters, "caller": caller.map(Value.string) ?? .null,
      "task": task.map(Value.string) ?? .null,
    ]
    let digits = Array("0123456789abcdef".utf8)
    let hex = SHA256.hash(data: whole.canonical).flatMap { byte in
      [digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }
    return String(decoding: hex, as: UTF8.self)
  }
}
