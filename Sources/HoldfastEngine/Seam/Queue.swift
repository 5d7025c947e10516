/// First in, first out, without moving what stays; what was taken out is kept no longer.
struct Queue<Element: Sendable>: Sendable {
  private var elements: [Element?] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }

  /// How many elements wait.
  var count: Int { elements.count - head }

  /// The element that has been there longest; `nil` when the queue is empty.
  var first: Element? { head < elements.count ? elements[head] : nil }

  /// Adds an element at the end.
  ///
  /// - Parameter element: The element.
  mutating func append(_ element: Element) { elements.append(element) }

  /// Takes out the element that has been there longest.
  ///
  /// - Returns: The element; `nil` when the queue is empty.
  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    if head == elements.count {
      // The room that a crowd took up once is given back.
      elements.removeAll(keepingCapacity: elements.capacity <= 8_192)
      head = 0
    } else if head > 64 && head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }
}
