extension Rule {
  /// A library that prints disturbs the program it is in; only the command talks to a person.
  static let printing = Rule(
    "Only the command prints",
    in: { $0.area == "Sources" && $0.module != "HoldfastCommand" },
    code: { place in
      for name in ["print", "debugPrint"] where place.token.text == name {
        let isQualified = place[-1]?.isCode(".") == true && place[-2]?.isCode("Swift") == true
        guard place.calls(name) || (isQualified && place.reads(name, "(")) else { continue }
        return ("`\(name)(`", "a Logger with the values as metadata")
      }
      return nil
    })
}
