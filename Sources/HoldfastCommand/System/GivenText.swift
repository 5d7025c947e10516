import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the process was given as text, and whether it is text.
///
/// Swift mends bytes that are not UTF-8 without a word, so that different keys would become one. A
/// key is exact: what is no text is refused.
enum GivenText {
  /// Looks at all arguments, and at the variables of the environment that the program takes.
  ///
  /// - Throws: `invalid` for bytes that are not UTF-8; the message says where, and not what.
  static func check() throws(StoreError) {
    for number in 1..<max(Int(CommandLine.argc), 1) {
      guard let argument = CommandLine.unsafeArgv[number], !isText(argument) else { continue }
      throw refusal("Argument \(number)")
    }
    for name in Environment.names {
      guard let value = getenv(name), !isText(value) else { continue }
      throw refusal("The value of \(name)")
    }
  }

  private static func isText(_ bytes: UnsafePointer<CChar>) -> Bool {
    String(validatingCString: bytes) != nil
  }

  private static func refusal(_ what: String) -> StoreError {
    StoreError(
      .invalid, "\(what) is not UTF-8 text.",
      hint: #"Write it in UTF-8. Bytes go into a value as {"$bytes":"base64"}."#)
  }
}
