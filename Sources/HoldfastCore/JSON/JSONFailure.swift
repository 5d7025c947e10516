/// Why a JSON text was refused, and where; it never holds any of the text.
package struct JSONFailure: Error, Equatable {
  package let reason: Reason
  /// The place in the text, in bytes from its beginning.
  package let offset: Int

  /// What is wrong with a text; the raw value is the `reason` in an error's details.
  package enum Reason: String, CaseIterable, Sendable {
    case truncated
    case unexpected
    case trailing
    case encoding
    case control
    case escape
    case surrogate
    case number
    case numberRange = "number_range"
    case duplicate
    case tooDeep = "too_deep"
    case dollarForm = "dollar_form"
    case stringTooLarge = "string_too_large"
    case textTooLarge = "text_too_large"
  }
}

extension JSONFailure.Reason {
  /// The decision that the caller has to take: most texts need mending, some less in them.
  var code: StoreError.Code {
    switch self {
    case .stringTooLarge, .textTooLarge: .tooLarge
    case .truncated, .unexpected, .trailing, .encoding, .control, .escape, .surrogate, .number,
      .numberRange, .duplicate, .tooDeep, .dollarForm:
      .invalid
    }
  }

  /// What is wrong, for the error's message.
  var sentence: String {
    switch self {
    case .truncated: "The JSON text ends too early"
    case .unexpected: "The JSON text has a character that cannot stand there"
    case .trailing: "Something follows after the JSON value"
    case .encoding: "The JSON text is not valid UTF-8"
    case .control: "A string in the JSON text holds a control character that is not escaped"
    case .escape: "A string in the JSON text holds an escape that JSON does not know"
    case .surrogate: "A string in the JSON text holds half of a surrogate pair"
    case .number: "The JSON text holds a number that is not written as JSON asks"
    case .numberRange: "The JSON text holds a number that cannot be kept exactly"
    case .duplicate: "An object in the JSON text has two members of one name"
    case .tooDeep: "The JSON text nests arrays and objects too deeply"
    case .dollarForm: "A $bytes or $f64 member in the JSON text is not well formed"
    case .stringTooLarge: "A string in the JSON text is too large"
    case .textTooLarge: "The JSON text is too large"
    }
  }

  /// How to go on.
  var hint: String {
    switch self {
    case .numberRange: "Send the number as a string, or as a double that holds it exactly."
    case .duplicate: "Name each member of an object once."
    case .tooDeep: "Nest less deeply."
    case .dollarForm:
      """
      Write bytes as {"$bytes":"base64"} and special doubles as {"$f64":"NaN"}, "+Inf", "-Inf" or \
      "-0.0".
      """
    case .stringTooLarge, .textTooLarge: "Send less, or keep it as a file."
    case .truncated, .unexpected, .trailing, .encoding, .control, .escape, .surrogate, .number:
      "Send one JSON value as RFC 8259 describes it, in UTF-8."
    }
  }
}

extension StoreError {
  /// The error that a caller sees: the place and the reason, never the text.
  init(_ failure: JSONFailure) {
    self.init(
      failure.reason.code, "\(failure.reason.sentence), at byte \(failure.offset).",
      hint: failure.reason.hint,
      details: [
        "offset": .integer(Int64(failure.offset)), "reason": .string(failure.reason.rawValue),
      ])
  }
}
