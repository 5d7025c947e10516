import CSQLite
package import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What SQLite said: kept as the cause of a ``StoreError``, for the log of whoever owns the store.
package struct SQLiteFailure: Error, Sendable, CustomStringConvertible {
  /// The extended result code.
  package let code: Int32
  /// What the operating system said underneath (`errno`), 0 where it said nothing.
  package let systemCode: Int32
  /// SQLite's own words.
  ///
  /// They name tables and columns, never what is bound to a statement.
  package let text: String

  package init(code: Int32, systemCode: Int32 = 0, text: String = "") {
    self.code = code
    self.systemCode = systemCode
    self.text = text
  }

  package var description: String { "SQLite \(code) (system \(systemCode)): \(text)" }
}

extension SQLiteFailure {
  /// The primary result code, which is the lowest byte of the extended one.
  package var primary: Int32 { code & 0xFF }

  /// The error that a caller gets: the one table that translates SQLite's result codes.
  package var storeError: StoreError {
    let (code, message, hint) = verdict
    var details: Object = ["sqlite": .integer(Int64(self.code))]
    if systemCode != 0 { details["errno"] = .integer(Int64(systemCode)) }
    return StoreError(code, message, hint: hint, details: details, cause: self)
  }

  private typealias Verdict = (code: StoreError.Code, message: String, hint: String?)

  private var verdict: Verdict {
    switch primary {
    case SQLITE_FULL:
      (
        .exhausted, "The disk is full: there is no room left for the database.",
        "Make room on the disk, then try again."
      )
    case SQLITE_NOMEM:
      (.exhausted, "SQLite got no memory.", "Give the process more memory, then try again.")
    case SQLITE_IOERR: ioVerdict
    case SQLITE_CORRUPT:
      (.corrupt, "The database is damaged.", nil)
    case SQLITE_NOTADB:
      (
        .corrupt, "The file is not a SQLite database, or its first page is damaged.",
        "Check the path, or restore a backup."
      )
    case SQLITE_READONLY:
      (
        .unavailable, "The database cannot be written.",
        "Give this user the right to write the file and its folder."
      )
    case SQLITE_CANTOPEN:
      (
        .unavailable, "The database file, or one beside it, cannot be opened.",
        "Check that the folder exists and that this user may write in it."
      )
    case SQLITE_PERM:
      (
        .unavailable, "The system does not permit access to the database.",
        "Give this user the right to read and write the file."
      )
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
      (
        .unavailable, "The database stayed busy for too long.",
        "Try again later, and end programs that hold the file locked; nothing was written."
      )
    case SQLITE_INTERRUPT, SQLITE_ABORT:
      (.unavailable, "The statement was interrupted.", nil)
    case SQLITE_TOOBIG:
      (.tooLarge, "A value is larger than SQLite can hold.", nil)
    case SQLITE_NOLFS:
      (
        .incompatible, "The file system cannot hold so large a file.",
        "Move the store to another file system."
      )
    default:
      // SQLITE_ERROR, SCHEMA, CONSTRAINT, MISMATCH, MISUSE, RANGE, AUTH, NOTFOUND, …: Holdfast gave
      // SQLite something that it should not have given.
      (.internal, "A statement failed with SQLite's code \(code).", nil)
    }
  }

  private var ioVerdict: Verdict {
    if code == SQLITE_IOERR | 12 << 8 {  // SQLITE_IOERR_NOMEM
      return (.exhausted, "SQLite got no memory.", "Give the process more memory, then try again.")
    }
    // SQLITE_IOERR_CORRUPTFS, which SQLite also makes of every EIO of a read: a disk that fails to
    // read is no damage yet, and a backup is not what helps.
    if code == SQLITE_IOERR | 33 << 8, systemCode != EIO {
      return (.corrupt, "The file system under the database is damaged.", nil)
    }
    if systemCode == ENOSPC || systemCode == EDQUOT || systemCode == EFBIG {
      return (
        .exhausted, "The disk is full: there is no room left for the database.",
        "Make room on the disk, then try again."
      )
    }
    return (
      .unavailable, "Reading or writing the database failed.",
      "Look at the disk and the system's log, then try again."
    )
  }
}
