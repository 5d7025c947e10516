public import Logging

/// How a server listens and what bounds it has; every default fits most installations.
public struct ServerOptions: Sendable {
  /// The address to listen on.
  public var host = "127.0.0.1"
  /// The port to listen on; 0 for any that is free.
  public var port = 7_420
  /// More names that the server answers to: on a loopback address besides the loopback names, on
  /// another one only to these if there are any, else to every name.
  public var hosts: [String] = []
  /// Pages besides the server's own that may ask, such as `https://console.example`.
  public var origins: [String] = []
  /// The certificate and its key; `nil` for HTTP in clear.
  public var tls: TLSFiles?
  /// How many connections may be open; more wait to be accepted.
  public var connectionsMax = 16_384
  /// How many requests are worked on at once; more are answered with 503.
  public var requestsAtOnceMax = 2_048
  /// How many files may come in at once; more are answered with 503.
  public var uploadsAtOnceMax = 256
  /// How many bytes of bodies are held at once; more are answered with 503.
  public var bodyBytesAtOnceMax = 512 << 20
  /// How long the header fields of a request may be together, in bytes.
  public var headerBytesMax = 64 << 10
  /// How long work on a request may take.
  public var requestTimeMax = Duration.seconds(60)
  /// How long a peer may neither send nor take anything before its connection is closed.
  public var stallTimeMax = Duration.seconds(60)
  /// The longest wait of a long poll; longer ones are cut.
  public var waitMax = Duration.seconds(60)
  /// How often a quiet stream of changes gives a sign of life.
  public var heartbeat = Duration.seconds(15)
  /// How long a graceful shutdown may take before what is left is cut off.
  public var shutdownTimeMax = Duration.seconds(30)
  /// Where the server logs; never a value, a key or a query.
  public var logger = Logger(label: "holdfast.server")

  /// Files in PEM form.
  public struct TLSFiles: Sendable {
    /// The path of the certificate, with the chain behind it.
    public var certificate: String
    /// The path of its private key.
    public var key: String

    /// Names the files.
    ///
    /// - Parameters:
    ///   - certificate: The path of the certificate.
    ///   - key: The path of its private key.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// The defaults.
  public init() {}
}
