public import HoldfastCore

/// What an audit log had come to at some time: kept elsewhere, it finds a log that was set back to
/// an older state of itself.
///
/// A chain, or a whole database, that is replaced by an older copy of itself is sound in itself;
/// only who remembers its newer end can tell. An anchor is small, holds no secret and may be
/// published. It stays good when retention cuts the chains.
public struct AuditAnchor: Sendable, Equatable {
  /// Where a chain stood.
  struct Place: Equatable {
    let chain: Int64
    let number: Int64
    let mac: [UInt8]
  }

  /// Of which log it is.
  let store: String
  /// When it was taken.
  public let time: Instant
  let isKeyed: Bool
  let places: [Place]
  let seal: [UInt8]

  /// How many chains there were.
  var register: Int64 { Int64(places.count) }

  init(
    store: String, time: Instant, places: [Place], sealing: AuditSealing
  ) {
    self.store = store
    self.time = time
    self.places = places
    isKeyed = sealing.isKeyed
    let body = Self.body(store, time, isKeyed: sealing.isKeyed, places)
    seal = sealing.seal(anchor: .object(body))
  }

  /// Whether it is as it was made.
  func holds(_ sealing: AuditSealing) -> Bool {
    let sealing = isKeyed ? sealing : .plain
    return seal == sealing.seal(anchor: .object(Self.body(store, time, isKeyed: isKeyed, places)))
  }

  /// The anchor as JSON, to be kept in a file.
  public var json: Value {
    var object = Self.body(store, time, isKeyed: isKeyed, places)
    object["seal"] = .string(HexText.encode(seal))
    return .object(object)
  }

  private static func body(
    _ store: String, _ time: Instant, isKeyed: Bool, _ places: [Place]
  ) -> Object {
    let chains = places.map { place -> Value in
      [
        "chain": .integer(place.chain), "number": .integer(place.number),
        "mac": .string(HexText.encode(place.mac)),
      ]
    }
    return [
      "store": .string(store), "time": .string(time.rfc3339), "keyed": .bool(isKeyed),
      "register": .integer(Int64(places.count)), "chains": .array(chains),
    ]
  }

  /// Reads an anchor.
  ///
  /// - Parameter json: What ``json`` gave.
  /// - Throws: ``StoreError`` with `invalid` for anything that is no anchor.
  public init(json: Value) throws(StoreError) {
    guard let store = json["store"]?.stringValue,
      let time = json["time"]?.stringValue.flatMap({ try? Instant(rfc3339: $0) }),
      let isKeyed = json["keyed"]?.boolValue, let chains = json["chains"]?.arrayValue,
      json["register"]?.integerValue == Int64(chains.count),
      let seal = json["seal"]?.stringValue.flatMap(HexText.decode)
    else { throw Self.unreadable }
    var places: [Place] = []
    for (index, chain) in chains.enumerated() {
      guard let number = chain["chain"]?.integerValue, number == Int64(index) + 1,
        let last = chain["number"]?.integerValue, last >= 0,
        let mac = chain["mac"]?.stringValue.flatMap(HexText.decode)
      else { throw Self.unreadable }
      places.append(Place(chain: number, number: last, mac: mac))
    }
    self.store = store
    self.time = time
    self.isKeyed = isKeyed
    self.places = places
    self.seal = seal
  }

  private static var unreadable: StoreError {
    StoreError(
      .invalid, "This is not an anchor of an audit log.",
      hint: "Give what holdfast audit anchor printed, whole and unchanged.",
      details: ["field": "anchor"])
  }
}
