import HoldfastCore
import HummingbirdCore
import HummingbirdTLS
import NIOSSL

extension HTTPServerBuilder {
  /// A server that speaks TLS 1.2 and newer with a certificate from files.
  ///
  /// - Parameters:
  ///   - base: What is spoken inside.
  ///   - files: The certificate and its key.
  /// - Returns: The builder.
  /// - Throws: ``StoreError`` with `invalid` where a file cannot be read or they do not fit.
  static func tls(
    _ base: HTTPServerBuilder, files: ServerOptions.TLSFiles
  ) throws(StoreError) -> HTTPServerBuilder {
    let chain = try loading("The certificate cannot be read from \(files.certificate).") {
      try NIOSSLCertificate.fromPEMFile(files.certificate)
    }
    let key = try loading("The private key cannot be read from \(files.key).") {
      try NIOSSLPrivateKey(file: files.key, format: .pem)
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    do {
      // Made once here, so that a key that does not fit is told at the start and not to clients.
      _ = try NIOSSLContext(configuration: configuration)
      return try .tls(base, tlsConfiguration: configuration)
    } catch {
      throw StoreError(
        .invalid, "The certificate and the private key do not fit each other.",
        hint: "Give the key of the certificate, which stands first in its file.",
        cause: error)
    }
  }

  private static func loading<Result>(
    _ trouble: String, _ load: () throws -> Result
  ) throws(StoreError) -> Result {
    do {
      return try load()
    } catch {
      throw StoreError(
        .invalid, trouble, hint: "Give a file in PEM form, the key without a passphrase.",
        cause: error)
    }
  }
}
