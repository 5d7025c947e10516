import ArgumentParser
import HoldfastCore

/// What the caller wants to keep beside a record.
struct MetadataArguments: ParsableArguments {
  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var metadata: String?

  /// The object, where one was given.
  var value: Value? {
    get throws(StoreError) { try ValueArgument.object(metadata, "metadata") }
  }
}

/// A value as it is given on a command line.
enum ValueArgument {
  /// How long a file or standard input may be: what a server takes at most.
  private static let bytesMax = Limits().requestBytesMax

  /// Reads a value: JSON if it is JSON, else a string; `@FILE` and `-` read it from there.
  ///
  /// A text that is JSON but cannot be a value (a number past 64 bits, a name that stands twice) is
  /// refused: as a string it would come back as something else than was meant.
  ///
  /// - Parameter argument: The argument.
  /// - Returns: The value.
  /// - Throws: ``StoreError`` for what cannot be read, and for JSON that cannot be a value.
  static func read(_ argument: String) throws(StoreError) -> Value {
    if argument == "-" { return try value(of: Files.read(nil, bytesMax: bytesMax)) }
    if argument.hasPrefix("@") {
      guard argument != "@" else {
        throw StoreError(
          .invalid, "An @ needs the name of a file.",
          hint: #"Write @FILE, - for standard input, or "@" in quotes of JSON for the text."#)
      }
      return try value(of: Files.read(String(argument.dropFirst()), bytesMax: bytesMax))
    }
    return try value(of: Array(argument.utf8))
  }

  /// Reads an object, such as metadata, where one was given.
  ///
  /// - Parameters:
  ///   - argument: The argument, as for any value; `nil` for none.
  ///   - name: What it is, for the message.
  /// - Returns: The value, which is an object; `nil` for none.
  /// - Throws: `invalid` for anything else.
  static func object(_ argument: String?, _ name: String) throws(StoreError) -> Value? {
    guard let argument else { return Value?.none }
    let value = try read(argument)
    guard value.objectValue != nil else {
      throw StoreError(
        .invalid, "The \(name) is not a JSON object.", hint: #"Write it like {"team":"mail"}."#)
    }
    return value
  }

  private static func value(of bytes: [UInt8]) throws(StoreError) -> Value {
    do throws(StoreError) {
      return try Value(json: bytes)
    } catch {
      guard isSyntax(error) else { throw error }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw StoreError(
          .invalid, "The value is neither JSON nor UTF-8 text.",
          hint: #"Write bytes as {"$bytes":"base64"}."#)
      }
      return .string(text)
    }
  }

  /// Whether an error says that a text is no JSON at all.
  private static func isSyntax(_ error: StoreError) -> Bool {
    guard let reason = error.details["reason"]?.stringValue else { return false }
    let reasons = [
      "truncated", "unexpected", "trailing", "encoding", "control", "escape", "number",
    ]
    return reasons.contains(reason)
  }
}
