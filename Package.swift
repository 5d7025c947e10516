// swift-tools-version: 6.2
import PackageDescription

/// Every target of this package is held to the same rules: Swift 6, explicit existentials, imports
/// that stay internal unless said otherwise, and no warning.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let locks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle = Target.Dependency.product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "holdfast",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Holdfast", targets: ["Holdfast"]),
    .library(name: "HoldfastServer", targets: ["HoldfastServer"]),
    .library(name: "HoldfastTesting", targets: ["HoldfastTesting"]),
    .executable(name: "holdfast", targets: ["HoldfastCommand"]),
    .executable(name: "replay-agent-runs", targets: ["ReplayAgentRuns"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "CSchema", exclude: ["sqlite", "postgres"]),

    .target(name: "HoldfastCore", dependencies: [crypto], swiftSettings: strict),
    .target(
      name: "HoldfastEngine",
      dependencies: ["HoldfastCore", "CSQLite", "CPostgres", locks, logging, metrics, tracing],
      swiftSettings: strict),
    .target(
      name: "Holdfast",
      dependencies: [
        "HoldfastCore", "HoldfastEngine", "CSchema", locks, logging, metrics, tracing, lifecycle,
        crypto,
      ], swiftSettings: strict),
    .target(
      name: "HoldfastServer",
      dependencies: [
        "Holdfast", "HoldfastCore", hummingbird, hummingbirdCore, hummingbirdTLS, nio,
        nioHTTPTypes, nioSSL, httpTypes, locks, logging, metrics, tracing, lifecycle, crypto,
      ], swiftSettings: strict),
    .executableTarget(
      name: "HoldfastCommand",
      dependencies: [
        "Holdfast", "HoldfastCore", "HoldfastServer", arguments, httpClient, httpTypes, nio,
        nioHTTP1, nioPosix, locks, logging, lifecycle,
      ], swiftSettings: strict),
    .target(
      name: "HoldfastTesting",
      dependencies: [
        "Holdfast", "HoldfastCore", "HoldfastEngine", "HoldfastServer", locks, logging,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "ReplayAgentRuns", dependencies: ["Holdfast", arguments, logging],
      path: "Examples/replay-agent-runs", exclude: ["README.md"], swiftSettings: strict),

    .testTarget(name: "CoreTests", dependencies: ["HoldfastCore"], swiftSettings: strict),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "HoldfastCore", "HoldfastEngine", "HoldfastTesting", "CSchema", "CSQLite", "CPostgres",
        locks,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "CSQLite", "Holdfast", "HoldfastEngine", "HoldfastTesting", locks, logging, metrics,
        tracing,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "Holdfast", "HoldfastCore", "HoldfastEngine", "HoldfastServer", "HoldfastTesting",
        httpClient, httpTypes, nio, nioPosix, locks, logging, lifecycle,
      ], swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Holdfast", "HoldfastCore", "HoldfastEngine", "HoldfastTesting",
        "HoldfastCommand", "ReplayAgentRuns",
        httpClient, nio, nioHTTP1, nioSSL, locks,
      ], swiftSettings: strict),
    .testTarget(
      name: "CrashTests",
      dependencies: [
        "Holdfast", "HoldfastEngine", "HoldfastTesting", "HoldfastCommand", "CrashWriter", locks,
      ], swiftSettings: strict),
    .executableTarget(
      name: "CrashWriter", dependencies: ["Holdfast", "HoldfastEngine", locks, logging],
      path: "Tests/CrashWriter", swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
  ],
  cLanguageStandard: .gnu2x
)
