import ArgumentParser

/// The keys of namespaces.
struct KeyValueNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "kv", "Keys and their values.",
    about: """
      A namespace is 1 to 8 segments with colons between them, such as run:42 or \
      users:u1:memories. A value is JSON if it parses as JSON, else a string; @FILE and - read \
      it. What begins with a dash is written after --.
      """,
    examples: [
      #"holdfast kv put run:42 plan '{"step":1}' --ttl 1h"#,
      "holdfast kv list run:42",
    ],
    verbs: [
      KeyValueGet.self, KeyValuePut.self, KeyValueDelete.self, KeyValueList.self,
      KeyValueCount.self, KeyValueIncrement.self, KeyValueExpire.self, KeyValuePersist.self,
      KeyValueClear.self, KeyValueWatch.self, KeyValueNamespaces.self,
    ])
}

/// A namespace and a key.
struct PlaceArguments: ParsableArguments {
  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Argument(help: "The key.")
  var key: String

  /// The route of the entry, or of a verb on it.
  ///
  /// - Parameter verb: The verb; `nil` for the entry itself.
  /// - Returns: The route, which carries any key at all.
  func route(_ verb: String? = nil) -> Route {
    let route = verb.map { Route("entry", $0) } ?? Route("entry")
    return route.with("namespace", namespace).with("key", key)
  }
}

/// What an entry looks like as a row.
enum EntryFields {
  /// Without the value.
  static let brief = ["key", "version", "updated_at", "expires_at", "description"]
  /// With the value.
  static let whole = ["key", "version", "updated_at", "expires_at", "value"]
}
