import Foundation

/// A certificate for this machine that it signed itself, made by `openssl`.
struct Certificate {
  /// The certificate's file.
  let path: String
  /// The file of its private key.
  let key: String

  struct CannotMake: Error {
    let what: String
  }

  /// Makes a certificate.
  ///
  /// - Parameters:
  ///   - name: What its files are called.
  ///   - folder: Where they lie.
  /// - Throws: ``CannotMake`` with what `openssl` said.
  init(_ name: String, in folder: String) throws {
    path = "\(folder)/\(name).pem"
    key = "\(folder)/\(name)-key.pem"
    let openssl = Process()
    openssl.executableURL = URL(filePath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
      "-out", path, "-keyout", key,
    ]
    let words = Pipe()
    openssl.standardOutput = FileHandle.nullDevice
    openssl.standardError = words
    try openssl.run()
    let said = try words.fileHandleForReading.readToEnd()
    openssl.waitUntilExit()
    guard openssl.terminationStatus == 0 else {
      throw CannotMake(what: String(decoding: said ?? Data(), as: UTF8.self))
    }
  }
}
