public import HoldfastCore
import HoldfastEngine

/// What is known of a file, without its content.
public struct File: Sendable, Equatable, Codable {
  /// Its name, which no other file of its namespace has.
  public let name: String
  /// What kind of content it is, such as `text/plain`.
  public let mediaType: String
  /// How many bytes the newest version has.
  public let size: Int
  /// The number of the newest version, from 1 up; it goes on after a delete.
  public let number: Int64
  /// How many versions there are.
  public let versions: Int
  /// The SHA-256 of the newest version, in 64 hexadecimal digits.
  public let digest: String
  /// Whether somebody has said that the newest version is indexed; a new version is not.
  public let isIndexed: Bool
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When its first version was saved.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
}

/// What is known of one version of a file.
public struct FileVersion: Sendable, Equatable, Codable {
  /// Its number.
  public let number: Int64
  /// What kind of content it is.
  public let mediaType: String
  /// How many bytes it has.
  public let size: Int
  /// The SHA-256 of its content, in 64 hexadecimal digits.
  public let digest: String
  /// The revision of the transaction that saved it.
  public let version: Int64
  /// When it was saved.
  public let createdAt: Instant
}

/// A file's row, in the order of columns that every statement of this folder gives.
struct FileRow {
  let file: File
  let id: Int64
  /// The least number that is still seen.
  let firstNumber: Int64

  init(row: Row) {
    file = File(
      name: row.text(0), mediaType: row.text(1), size: Int(row.integer(2)),
      number: row.integer(3), versions: Int(row.integer(4)), digest: HexText.encode(row.blob(5)),
      isIndexed: row.integer(6) != 0, version: row.integer(7),
      createdAt: Instant(microseconds: row.integer(8)),
      updatedAt: Instant(microseconds: row.integer(9)))
    id = row.integer(10)
    firstNumber = row.integer(11)
  }
}

/// A version's row.
struct FileVersionRow {
  let version: FileVersion
  let digest: [UInt8]
  /// How long each of its chunks is but the last.
  let chunkBytes: Int

  init(row: Row) {
    digest = row.blob(3)
    version = FileVersion(
      number: row.integer(0), mediaType: row.text(1), size: Int(row.integer(2)),
      digest: HexText.encode(digest), version: row.integer(4),
      createdAt: Instant(microseconds: row.integer(5)))
    chunkBytes = Int(row.integer(6))
  }
}
