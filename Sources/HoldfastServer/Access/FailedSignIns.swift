/// Which failed sign-ins are entered into the audit log, so that nobody fills the disk with them.
///
/// Of one address at most one record a minute, which counts those before it; of all addresses
/// together at most a bound of them a minute, and whose failures find no room are counted in the
/// next record that is written, whosever it is.
struct FailedSignIns {
  /// What goes into a record.
  struct Entry: Equatable {
    /// Where they came from.
    let address: String
    /// How many came from there since its last record.
    let count: Int
    /// How many others there were that no record counts.
    let others: Int
  }

  private struct Address {
    var recorded: Duration
    /// How many came since.
    var count = 0
  }

  private var addresses: [String: Address] = [:]
  private var others = 0
  private var minute = Duration.zero
  private var recordsInMinute = 0

  /// For how long an address has no second record.
  static let pause = Duration.seconds(60)
  /// How many records one minute may have.
  static let recordsMax = 60
  /// How many addresses are remembered.
  static let addressesMax = 4_096

  /// Notes a failure.
  ///
  /// - Parameters:
  ///   - address: Where it came from.
  ///   - now: When, by the monotonic clock.
  /// - Returns: The record to write; `nil` where it is only counted.
  mutating func note(_ address: String, at now: Duration) -> Entry? {
    if let known = addresses[address], now - known.recorded < Self.pause {
      addresses[address]?.count += 1
      return nil
    }
    if recordsInMinute == 0 || now - minute >= Self.pause {
      minute = now
      recordsInMinute = 0
    }
    guard recordsInMinute < Self.recordsMax else {
      others += 1
      return nil
    }
    recordsInMinute += 1
    let entry = Entry(
      address: address, count: (addresses[address]?.count ?? 0) + 1, others: others)
    others = 0
    addresses[address] = Address(recorded: now)
    if addresses.count > Self.addressesMax { forgetOldest() }
    return entry
  }

  /// Makes room for another address; what it has counted is not lost.
  private mutating func forgetOldest() {
    guard let oldest = addresses.min(by: { $0.value.recorded < $1.value.recorded }) else { return }
    others += oldest.value.count
    addresses[oldest.key] = nil
  }
}
