import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Writes a value.
struct KeyValuePut: Verb {
  static let configuration = CommandConfiguration.verb(
    "put", "Write a value under a key.",
    about: """
      The value is JSON if it parses as JSON, else a string; @FILE reads it from a file, - \
      from standard input. A value that begins with a dash is written after --.
      """,
    examples: [
      #"holdfast kv put run:42 plan '{"step":2}' --if-version 17 --ttl 1h"#,
      "holdfast kv put run:42 report @report.json",
      "holdfast kv put run:42 offset -- -5",
    ])

  @OptionGroup var place: PlaceArguments

  @Argument(help: "The value: JSON, any other text, @FILE, or - for standard input.")
  var value: String

  @Option(
    help: ArgumentHelp("How long it lives: 300ms, 30s, 5m, 12h, 7d.", valueName: "duration"))
  var ttl: String?

  @Option(help: ArgumentHelp("What a person should know of it.", valueName: "text"))
  var description: String?

  @Flag(help: "Only if the key is not there; else exit 75.")
  var ifAbsent = false

  @OptionGroup var arguments: ChangeArguments

  func validate() throws {
    guard !ifAbsent || arguments.condition.ifVersion == nil else {
      throw ValidationError("--if-absent and --if-version do not go together.")
    }
  }

  func request() throws -> Request {
    var request = try Request.put(
      place.route(),
      ["value": ValueArgument.read(value), "ttl": ttl, "description": description],
      .row(EntryFields.brief))
    if ifAbsent { request.headers[.ifNoneMatch] = "*" }
    return request
  }
}

/// Deletes a key.
struct KeyValueDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a key; a missing one exits 66.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast kv delete run:42 plan --if-version 17 --yes"])

  @OptionGroup var place: PlaceArguments
  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the key \(place.key) of \(place.namespace)?")
    return .delete(place.route())
  }
}

/// Counts up or down.
struct KeyValueIncrement: Verb {
  static let configuration = CommandConfiguration.verb(
    "increment", "Add to the whole number under a key, and print the sum.",
    about: "A missing key counts as 0. However many count at once, none is lost.",
    examples: [
      "holdfast kv increment run:42 model-calls",
      "holdfast kv increment global budget --by -5",
    ])

  @OptionGroup var place: PlaceArguments

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What to add; negative to take away.", valueName: "number"))
  var by: Int64 = 1

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .create(place.route("increment"), ["by": by], .number("value"))
  }
}

/// Lets a key expire.
struct KeyValueExpire: Verb {
  static let configuration = CommandConfiguration.verb(
    "expire", "Let a key expire after a time.",
    examples: ["holdfast kv expire run:42 draft 30m"])

  @OptionGroup var place: PlaceArguments

  @Argument(help: "How long it lives from now on: 300ms, 30s, 5m, 12h, 7d.")
  var ttl: String

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(place.route("expire"), ["ttl": ttl], .row(EntryFields.brief))
  }
}

/// Takes a key's expiry away.
struct KeyValuePersist: Verb {
  static let configuration = CommandConfiguration.verb(
    "persist", "Remove a key's expiry.",
    examples: ["holdfast kv persist run:42 draft"])

  @OptionGroup var place: PlaceArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(place.route("persist"), nil, .row(EntryFields.brief))
  }
}

/// Removes all keys of a namespace.
struct KeyValueClear: Verb {
  static let configuration = CommandConfiguration.verb(
    "clear", "Remove all keys of a namespace, and nothing else.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast kv clear users:u1 --below --yes"])

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Flag(help: "Also the namespaces below it.")
  var below = false

  @OptionGroup var arguments: Confirmed<WriteArguments>

  func request() throws -> Request {
    let depth = below ? ", and of all namespaces below it" : ""
    try arguments.confirm("Remove all keys of \(namespace)\(depth)?")
    return .delete(Route("kv", namespace).with("confirm", namespace).with("below", below))
  }
}
