/// The members of an object: values by name, in the order in which they were first set.
///
/// Names are compared byte by byte, so two names that differ only in Unicode normalisation are two
/// members. Equality does not look at the order.
public struct Object: Sendable {
  /// One member.
  public typealias Element = (name: String, value: Value)

  private var members: [Element] = []
  /// Where each name stands; kept only for objects of more than ``scanned`` members.
  private var places: [Bytewise: Int]?

  /// Up to this many members are searched one after the other, which is faster than hashing.
  private static let scanned = 8

  /// Makes an empty object.
  public init() {}

  /// Makes an object; of two members with one name the last holds.
  ///
  /// - Parameter members: Names and values.
  public init(_ members: some Sequence<(String, Value)>) {
    for (name, value) in members { self[name] = value }
  }

  /// The value with this name; setting `nil` removes the member.
  ///
  /// - Parameter name: The member's name, compared byte by byte.
  public subscript(_ name: String) -> Value? {
    get { place(of: name).map { members[$0].value } }
    set {
      switch (place(of: name), newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil):
        members.remove(at: place)
        reindex()
      case (nil, let value?): append(name, value)
      case (nil, nil): break
      }
    }
  }

  /// The names in order.
  public var names: [String] { members.map(\.name) }

  /// Adds a member whose name is not there yet.
  ///
  /// - Parameters:
  ///   - name: The member's name.
  ///   - value: Its value.
  /// - Returns: Whether the name was new; otherwise the object stays as it was.
  package mutating func insert(_ name: String, _ value: Value) -> Bool {
    guard place(of: name) == nil else { return false }
    append(name, value)
    return true
  }

  private mutating func append(_ name: String, _ value: Value) {
    if members.isEmpty { members.reserveCapacity(4) }
    members.append((name, value))
    if places != nil {
      places?[Bytewise(name)] = members.count - 1
    } else if members.count > Self.scanned {
      reindex()
    }
  }

  private func place(of name: String) -> Int? {
    if let places { return places[Bytewise(name)] }
    return members.firstIndex { Bytewise.equal($0.name, name) }
  }

  private mutating func reindex() {
    places = nil
    guard members.count > Self.scanned else { return }
    var places = [Bytewise: Int](minimumCapacity: members.count)
    for (place, member) in members.enumerated() { places[Bytewise(member.name)] = place }
    self.places = places
  }
}

extension Object: RandomAccessCollection {
  /// The first position.
  public var startIndex: Int { 0 }
  /// The position after the last.
  public var endIndex: Int { members.count }
  /// The member at a position.
  ///
  /// - Parameter position: From 0 to one below `count`.
  public subscript(position: Int) -> Element { members[position] }
}

extension Object: Equatable {
  /// Whether two objects have the same members, in whatever order.
  ///
  /// - Parameters:
  ///   - left: An object.
  ///   - right: Another object.
  /// - Returns: Whether they are equal.
  public static func == (left: Object, right: Object) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.name] == $0.value }
  }
}

extension Object: ExpressibleByDictionaryLiteral {
  /// Names and values; of two with one name the last holds.
  public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}
