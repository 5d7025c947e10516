import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Writes a value.
struct KeyValuePut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Write a value under a key.",
    discussion: """
      The value is JSON if it parses as JSON, else a string; @FILE reads it from a file, - from \
      standard input. A value that begins with a dash is written after --.

      EXAMPLE
        holdfast kv put run:42 plan '{"step":2}' --if-version 17 --ttl 1h
        holdfast kv put run:42 report @report.json
        holdfast kv put run:42 offset -- -5
      """)

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

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func validate() throws {
    guard !ifAbsent || condition.ifVersion == nil else {
      throw ValidationError("--if-absent and --if-version do not go together.")
    }
  }

  func run() async throws {
    var body: Object = ["value": try ValueArgument.read(value)]
    body["ttl"] = ttl.map(Value.string)
    body["description"] = description.map(Value.string)
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    if ifAbsent { headers[.ifNoneMatch] = "*" }
    try await arguments.run(for: .write) { [body, headers] connection throws(StoreError) in
      try await connection.send(.put, place.route(), body, headers: headers)
    } show: { entry, terminal in
      Record.list([entry], fields: EntryFields.brief, for: terminal)
    }
  }
}

/// Deletes a key.
struct KeyValueDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a key; a missing one exits 66.",
    discussion: """
      EXAMPLE
        holdfast kv delete run:42 plan --if-version 17
      """)

  @OptionGroup var place: PlaceArguments
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.delete, place.route(), headers: headers)
    } show: { _, _ in
      ""
    }
  }
}

/// Counts up or down.
struct KeyValueIncrement: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "increment",
    abstract: "Add to the whole number under a key, and print the sum.",
    discussion: """
      A missing key counts as 0. However many count at once, none is lost.

      EXAMPLE
        holdfast kv increment run:42 model-calls
        holdfast kv increment global budget --by -5
      """)

  @OptionGroup var place: PlaceArguments

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What to add; negative to take away.", valueName: "number"))
  var by: Int64 = 1

  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let headers = try write.headers()
    try await arguments.run(for: .write) { connection throws(StoreError) in
      try await connection.send(
        .post, place.route("increment"), ["by": .integer(by)], headers: headers)
    } show: { counter, _ in
      "\(counter["value"]?.integerValue ?? 0)\n"
    }
  }
}

/// Lets a key expire.
struct KeyValueExpire: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expire",
    abstract: "Let a key expire after a time.",
    discussion: """
      EXAMPLE
        holdfast kv expire run:42 draft 30m
      """)

  @OptionGroup var place: PlaceArguments

  @Argument(help: "How long it lives from now on: 300ms, 30s, 5m, 12h, 7d.")
  var ttl: String

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(
        .post, place.route("expire"), ["ttl": .string(ttl)], headers: headers)
    } show: { entry, terminal in
      Record.list([entry], fields: EntryFields.brief, for: terminal)
    }
  }
}

/// Takes a key's expiry away.
struct KeyValuePersist: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "persist",
    abstract: "Remove a key's expiry.",
    discussion: """
      EXAMPLE
        holdfast kv persist run:42 draft
      """)

  @OptionGroup var place: PlaceArguments
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.post, place.route("persist"), headers: headers)
    } show: { entry, terminal in
      Record.list([entry], fields: EntryFields.brief, for: terminal)
    }
  }
}

/// Removes all keys of a namespace.
struct KeyValueClear: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear",
    abstract: "Remove all keys of a namespace, and nothing else.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast kv clear users:u1 --below --yes
      """)

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Flag(help: "Also the namespaces below it.")
  var below = false

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let depth = below ? ", and of all namespaces below it" : ""
    try confirmation.confirm("Remove all keys of \(namespace)\(depth)?")
    let headers = try write.headers()
    let route = Route("kv", namespace).with("confirm", namespace).with("below", below)
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.delete, route, headers: headers)
    } show: { _, _ in
      ""
    }
  }
}
