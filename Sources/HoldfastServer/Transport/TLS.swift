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
    do {
      let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
      let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
      configuration.minimumTLSVersion = .tlsv12
      // Made once here, so that a key that does not fit is told at the start and not to clients.
      _ = try NIOSSLContext(configuration: configuration)
      return try .tls(base, tlsConfiguration: configuration)
    } catch {
      throw StoreError(
        .invalid, "The certificate or its key cannot be used.",
        hint: "Give the certificate chain and its private key in PEM form.", cause: error)
    }
  }
}
