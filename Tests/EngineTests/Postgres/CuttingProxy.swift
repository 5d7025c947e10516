import Glibc
import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

/// Stands between an engine and the server, and cuts a connection at a moment that a test chooses.
final class CuttingProxy: Sendable {
  /// What happens at the next message of the client's.
  enum Cut: Sendable {
    /// It is passed on as it is.
    case none
    /// It never reaches the server.
    case beforeRequest
    /// It reaches the server, whose answer never comes back.
    case afterRequest
  }

  private struct Pair {
    let client: Int32
    let server: Int32
    var swallows = false
  }

  let port: Int
  private let listener: Int32
  private let serverPort: Int
  private let cut = NIOLockedValueBox(Cut.none)
  private let stopping = NIOLockedValueBox(false)
  private let thread = NIOLockedValueBox<WorkerThread?>(nil)

  init(to serverPort: Int) throws {
    self.serverPort = serverPort
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listens = withUnsafeMutablePointer(to: &address) { [listener] in
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(listens)
    port = Int(UInt16(bigEndian: address.sin_port))
    thread.withLockedValue { $0 = try? WorkerThread(name: "proxy") { self.serve() } }
  }

  /// Says what happens at the next message.
  func arm(_ next: Cut) { cut.withLockedValue { $0 = next } }

  /// Ends the proxy and all its connections.
  func stop() {
    stopping.withLockedValue { $0 = true }
    thread.withLockedValue(\.self)?.join()
  }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return address
  }

  private func serve() {
    var pairs: [Pair] = []
    while !stopping.withLockedValue(\.self) {
      var watched = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      for pair in pairs {
        watched.append(pollfd(fd: pair.client, events: Int16(POLLIN), revents: 0))
        watched.append(pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0))
      }
      _ = poll(&watched, nfds_t(watched.count), 20)
      for index in pairs.indices.reversed() {
        let fromClient = watched[1 + 2 * index].revents != 0
        let fromServer = watched[2 + 2 * index].revents != 0
        if (fromClient && !passRequest(&pairs[index]))
          || (fromServer && !passAnswer(pairs[index]))
        {
          close(pairs[index].client)
          close(pairs[index].server)
          pairs.remove(at: index)
        }
      }
      if watched[0].revents != 0 { pairs.append(connect()) }
    }
    for pair in pairs {
      close(pair.client)
      close(pair.server)
    }
    close(listener)
  }

  private func connect() -> Pair {
    let client = accept(listener, nil, nil)
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(serverPort)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = Glibc.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return Pair(client: client, server: server)
  }

  private func passRequest(_ pair: inout Pair) -> Bool {
    let cut = self.cut.withLockedValue { cut in
      guard !Self.announces(pair.client) else { return Cut.none }
      defer { cut = .none }
      return cut
    }
    switch cut {
    case .beforeRequest: return false
    case .afterRequest: pair.swallows = true
    case .none: break
    }
    return Self.pass(from: pair.client, to: pair.server)
  }

  /// Whether what comes next is an announcement, known by its channel: those are never cut.
  private static func announces(_ client: Int32) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 1 << 12, alignment: 1) { buffer in
      let count = recv(client, buffer.baseAddress, buffer.count, Int32(MSG_PEEK))
      let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
      return text.split(separator: "holdfast_").dropFirst().contains { $0.first?.isNumber == true }
    }
  }

  /// The end of the connection is the answer, where the answer is swallowed.
  private func passAnswer(_ pair: Pair) -> Bool {
    !pair.swallows && Self.pass(from: pair.server, to: pair.client)
  }

  private static func pass(from source: Int32, to target: Int32) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
      let count = recv(source, buffer.baseAddress, buffer.count, 0)
      return count > 0 && send(target, buffer.baseAddress, count, Int32(MSG_NOSIGNAL)) == count
    }
  }
}
