/// What to take out of one list and put in to make another list of it, as little as possible.
///
/// The algorithm is that of Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations",
/// Algorithmica 1 (1986), in its linear-space form (section 4b): the middle of a shortest way is
/// searched from both ends at once, and what lies before and behind it is compared by itself.
///
/// Where two parts differ in more than ``costMax`` places the search ends, and the one stands whole
/// for the other: the answer is still right, but no longer the shortest.
struct LineDifference {
  /// Which elements of the old list go.
  private(set) var removed: [Bool]
  /// Which elements of the new list come.
  private(set) var added: [Bool]

  private let old: [Int]
  private let new: [Int]
  /// How many differences are looked for from each end; the time grows with its square.
  private let costMax: Int
  /// How far the search came on each diagonal, from the beginning and from the end.
  private var forward: [Int] = []
  private var backward: [Int] = []

  /// A part of both lists.
  private struct Box {
    var old: Range<Int>
    var new: Range<Int>
  }

  /// Compares two lists.
  ///
  /// - Parameters:
  ///   - old: The one list.
  ///   - new: The other.
  ///   - costMax: How many differences are looked for from each end of a part.
  init(from old: [Int], to new: [Int], costMax: Int = 2_048) {
    self.old = old
    self.new = new
    self.costMax = costMax
    removed = Array(repeating: false, count: old.count)
    added = Array(repeating: false, count: new.count)
    var boxes = [Box(old: old.indices, new: new.indices)]
    while let box = boxes.popLast() {
      let box = trimmed(box)
      if !box.old.isEmpty, !box.new.isEmpty, let (before, after) = split(box) {
        boxes.append(before)
        boxes.append(after)
      } else {
        for place in box.old { removed[place] = true }
        for place in box.new { added[place] = true }
      }
    }
  }

  /// Leaves out what both parts begin and end with.
  private func trimmed(_ box: Box) -> Box {
    var (old, new) = (box.old, box.new)
    while let first = old.first, let other = new.first, self.old[first] == self.new[other] {
      old.removeFirst()
      new.removeFirst()
    }
    while let last = old.last, let other = new.last, self.old[last] == self.new[other] {
      old.removeLast()
      new.removeLast()
    }
    return Box(old: old, new: new)
  }

  /// Finds the middle of a shortest way through a part: what lies before it and what behind.
  ///
  /// Both lists of the part have elements, and neither their first nor their last are the same, so
  /// at least two steps are needed, and both halves are smaller.
  ///
  /// - Returns: The halves; `nil` where the search costs too much.
  private mutating func split(_ box: Box) -> (Box, Box)? {
    let (rows, columns) = (box.old.count, box.new.count)
    let size = 2 * min(rows, columns) + 2
    forward = Array(repeating: 0, count: size)
    backward = forward
    for cost in 0...min((rows + columns + 1) / 2, costMax) {
      // Diagonals beyond the part's edges lead nowhere.
      let diagonals = stride(
        from: -(cost - 2 * max(0, cost - columns)), through: cost - 2 * max(0, cost - rows), by: 2)
      for diagonal in diagonals {
        let run = walk(box, diagonal, cost, isForward: true)
        let other = rows - columns - diagonal
        if (rows + columns) % 2 == 1, abs(other) <= cost - 1,
          run.end + backward[Self.place(other, size)] >= rows
        {
          return cut(
            box, from: (run.start, run.start - diagonal), to: (run.end, run.end - diagonal))
        }
      }
      for diagonal in diagonals {
        let run = walk(box, diagonal, cost, isForward: false)
        let other = rows - columns - diagonal
        if (rows + columns) % 2 == 0, abs(other) <= cost,
          run.end + forward[Self.place(other, size)] >= rows
        {
          return cut(
            box, from: (rows - run.end, columns - (run.end - diagonal)),
            to: (rows - run.start, columns - (run.start - diagonal)))
        }
      }
    }
    return nil
  }

  /// Goes as far as possible on one diagonal, counted from the end that the search began at.
  private mutating func walk(
    _ box: Box, _ diagonal: Int, _ cost: Int, isForward: Bool
  ) -> (start: Int, end: Int) {
    // Both arrays are read where they lie: a copy of either would cost more than the walk.
    let size = forward.count
    let (left, right) = (Self.place(diagonal - 1, size), Self.place(diagonal + 1, size))
    let below = isForward ? forward[left] : backward[left]
    let above = isForward ? forward[right] : backward[right]
    let isDown = diagonal == -cost || (diagonal != cost && below < above)
    let start = isDown ? above : below + 1
    var row = start
    let (rows, columns) = (box.old.count, box.new.count)
    while row < rows, row - diagonal < columns {
      let column = row - diagonal
      let isSame =
        isForward
        ? old[box.old.lowerBound + row] == new[box.new.lowerBound + column]
        : old[box.old.upperBound - 1 - row] == new[box.new.upperBound - 1 - column]
      guard isSame else { break }
      row += 1
    }
    if isForward {
      forward[Self.place(diagonal, size)] = row
    } else {
      backward[Self.place(diagonal, size)] = row
    }
    return (start, row)
  }

  private func cut(
    _ box: Box, from start: (row: Int, column: Int), to end: (row: Int, column: Int)
  ) -> (Box, Box) {
    let (old, new) = (box.old, box.new)
    return (
      Box(
        old: old.lowerBound..<old.lowerBound + start.row,
        new: new.lowerBound..<new.lowerBound + start.column),
      Box(
        old: old.lowerBound + end.row..<old.upperBound,
        new: new.lowerBound + end.column..<new.upperBound)
    )
  }

  /// Where a diagonal is kept: there are never more at once than there are places.
  private static func place(_ diagonal: Int, _ size: Int) -> Int {
    let rest = diagonal % size
    return rest < 0 ? rest + size : rest
  }
}
