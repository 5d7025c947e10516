/// First in, first out, without moving what stays.
struct Queue<Element: Sendable>: Sendable {
  private var elements: [Element?] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }

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
    if head == elements.count || (head > 64 && head * 2 > elements.count) {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }
}
