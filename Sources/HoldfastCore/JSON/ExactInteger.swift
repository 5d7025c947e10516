/// An integer of any length up to the largest double, to see whether a double holds it exactly.
struct ExactInteger {
  /// Thirty-two bits each, the lowest first; the last is not zero.
  private var limbs: [UInt32] = []

  /// The largest double has this many digits.
  private static let digitsMax = 309

  /// Makes an integer from ASCII digits of which the first is not zero; `nil` if there are too
  /// many.
  init?(digits: some Collection<UInt8>) {
    guard digits.count <= Self.digitsMax else { return nil }
    for digit in digits { multiplyByTen(adding: UInt32(digit - UInt8(ascii: "0"))) }
  }

  private mutating func multiplyByTen(adding digit: UInt32) {
    var carry = UInt64(digit)
    for place in limbs.indices {
      carry += UInt64(limbs[place]) * 10
      limbs[place] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { limbs.append(UInt32(carry)) }
  }

  /// The double with exactly this value, if there is one.
  ///
  /// There is one if no more than 53 bits lie between the highest and the lowest that are set. Then
  /// each step below is exact, for every partial sum is made of the integer's own highest bits.
  var double: Double? {
    guard let highest = limbs.last, let zeros = limbs.firstIndex(where: { $0 != 0 }) else {
      return 0
    }
    let top = limbs.count * 32 - highest.leadingZeroBitCount
    let bottom = zeros * 32 + limbs[zeros].trailingZeroBitCount
    guard top - bottom <= 53, top <= 1_024 else { return nil }
    return limbs.reversed().reduce(0) { $0 * 0x1p32 + Double($1) }
  }
}
