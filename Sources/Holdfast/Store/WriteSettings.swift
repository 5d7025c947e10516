/// How one write behaves: what it must survive, and whether it may be repeated without harm.
///
/// ```swift
/// try await kv.put("plan", plan, with: .idempotent("step-7"))
/// try await kv.put("progress", 0.4, with: .relaxed)
/// ```
public struct WriteSettings: Sendable {
  /// What a write survives once it has returned.
  public enum Durability: Sendable {
    /// The death of the process and of the machine.
    case durable
    /// The death of the process, not of the machine.
    case relaxed
  }

  /// What the write must survive; `nil` for what the store was opened with.
  public var durability: Durability?
  /// The key under which the first answer is kept: the same call with the same key gives that
  /// answer again and writes nothing; another call with it is a `conflict`.
  ///
  /// 1 to 256 bytes.
  public var idempotencyKey: String?
  /// Who writes, and whose key it is: an access token's name, or empty for the store itself.
  package var owner = ""

  /// Makes settings.
  ///
  /// - Parameters:
  ///   - durability: What the write must survive; `nil` for what the store was opened with.
  ///   - idempotencyKey: The key under which the first answer is kept.
  public init(durability: Durability? = nil, idempotencyKey: String? = nil) {
    self.durability = durability
    self.idempotencyKey = idempotencyKey
  }

  /// What the store was opened with, and no idempotency key.
  public static let standard = WriteSettings()
  /// The write survives the process, and not the machine.
  public static let relaxed = WriteSettings(durability: .relaxed)

  /// A write that can be repeated: the first answer is given again.
  ///
  /// - Parameter key: The idempotency key, 1 to 256 bytes.
  /// - Returns: Settings with this key.
  public static func idempotent(_ key: String) -> WriteSettings {
    WriteSettings(idempotencyKey: key)
  }
}
