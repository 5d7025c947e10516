import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// What answers requests, over a network or inside this process.
final class ServerCore: Sendable {
  let store: Store
  let options: ServerOptions
  let time: any TimeSource
  let bodies: Bodies
  private let router: Router
  private let signIn: SignIn
  private let hosts: HostCheck
  private let inFlight: InFlight
  private let uploads: InFlight
  private let numbers: RequestNumbers

  init(store: Store, options: ServerOptions) {
    self.store = store
    self.options = options
    time = store.context.time
    bodies = Bodies(
      bytesMax: store.context.limits.requestBytesMax, bytesAtOnceMax: options.bodyBytesAtOnceMax)
    router = Router(Routes.all)
    signIn = SignIn(store: store, time: store.context.time)
    hosts = HostCheck(address: options.host, hosts: options.hosts, origins: options.origins)
    inFlight = InFlight(max: options.requestsAtOnceMax)
    uploads = InFlight(max: options.uploadsAtOnceMax)
    numbers = RequestNumbers(store.context.ids)
  }
}

extension ServerCore: HTTPResponder {
  /// Answers a request; every error of ours becomes a problem document.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - context: Where it came from.
  /// - Returns: The answer.
  /// - Throws: What broke the connection.
  func respond(to request: Request, context: RequestScope) async throws -> Response {
    let start = context.logger.logLevel <= .info ? time.monotonicTime() : .zero
    let id = numbers.number(request.headers)
    var progress = Progress()
    var response: Response
    do {
      response = try await answer(request, context, &progress)
    } catch let broken as BrokenBody {
      throw broken.cause
    } catch {
      let refusal = refusal(for: error, to: request)
      response = .problem(refusal)
      logFault(refusal.error, id, context.logger)
      let hasBody = progress.stream?.isComplete ?? progress.hasBody
      if !hasBody { refuseRest(of: request, context.channel, &response) }
    }
    if request.method == .head { response = response.withoutBody }
    response.headers.append(HTTPField(name: RequestNumbers.field, value: id))
    log(request, progress.route, response, id, since: start, context.logger)
    return response
  }

  /// How far a request came.
  private struct Progress {
    var route: Route?
    /// Whether its body was taken in whole.
    var hasBody = false
    /// The body that its route takes in while it comes.
    var stream: BodyStream?
  }

  private func answer(
    _ request: Request, _ context: RequestScope, _ progress: inout Progress
  ) async throws -> Response {
    let target = try RequestTarget(request.head.path ?? "")
    let match = router.match(request.method, target.segments)
    if case .found(let route) = match { progress.route = route }
    // Probes ask by whatever address they know, and learn only that the server lives.
    let isOpen = progress.route.map { $0.role == nil } ?? false
    if context.channel != nil, !isOpen { try hosts.check(request.head) }
    let access = try await access(to: match, request, context)
    switch match {
    case .nothing:
      throw StoreError(
        .notFound, "There is no such route.", hint: "Look the path up in the documentation.")
    case .otherMethods(let methods): throw Self.otherMethods(methods)
    case .found(let route):
      if let role = route.role { try access.require(role) }
      let pace = route.pace(of: target)
      let body = route.takesBody ? try await collect(request, context, &progress) : nil
      // Counted once its body is there, or clients that send slowly would keep all others out.
      let slots = slots(of: route, pace)
      try slots?.enter()
      defer { slots?.leave() }
      if route.pace == .streaming {
        progress.stream = try BodyStream(
          request, from: context.channel, bytesMax: store.context.limits.fileBytesMax)
      }
      let call = Call(
        request, target, route, access: access, core: self, channel: context.channel, body: body,
        stream: progress.stream)
      return try await run(route, pace, call)
    }
  }

  /// The body; one that took its time may have outlived the token that it came with.
  private func collect(
    _ request: Request, _ context: RequestScope, _ progress: inout Progress
  ) async throws -> Bodies.Body {
    let start = time.monotonicTime()
    let body = try await bodies.collect(request, from: context.channel)
    progress.hasBody = true
    if time.monotonicTime() - start > Self.briefly {
      try await trust(request, context.channel)
    }
    return body
  }

  /// How long a token that was good is taken to be so.
  private static let briefly = Duration.seconds(1)

  /// What a request is counted among: those that only wait cost little, and whether the server
  /// lives is told however busy it is.
  private func slots(of route: Route, _ pace: Route.Pace) -> InFlight? {
    if route.role == nil { return nil }
    return switch pace {
    case .waiting, .waitingOnBody: nil
    case .streaming: uploads
    case .quick, .work, .long, .waitingIfAsked: inFlight
    }
  }

  /// Who asks; for a route that is open to all, nobody needs to say.
  private func access(
    to match: Router.Match, _ request: Request, _ context: RequestScope
  ) async throws -> Access {
    if let access = context.access { return access }
    if case .found(let route) = match, route.role == nil {
      return Access(name: "", role: .reader)
    }
    return try await signIn.access(request.headers, from: context.channel)
  }

  /// Looks again whether the token of a stream that lasts, of a call that waited, or of a body that
  /// took its time to come is still good.
  ///
  /// - Parameter call: The request.
  /// - Throws: `unauthenticated` once it was revoked or has expired.
  func trust(_ call: Call) async throws(StoreError) {
    try await trust(call.request, call.channel)
  }

  private func trust(_ request: Request, _ channel: (any Channel)?) async throws(StoreError) {
    guard channel != nil else { return }
    try await signIn.trust(request.headers)
  }

  private func run(
    _ route: Route, _ pace: Route.Pace, _ call: Call
  ) async throws -> Response {
    let isTimed = pace == .work || (pace == .quick && store.isRemote)
    guard isTimed else { return try await route.answer(call) }
    let late = Self.late(isWrite: route.writes)
    return try await TimeLimit.run(options.requestTimeMax, time, late: late) {
      try await route.answer(call)
    }
  }

  private static func late(isWrite: Bool) -> StoreError {
    StoreError(
      isWrite ? .uncertain : .unavailable, "The request took longer than its time limit.",
      hint: isWrite ? nil : "Try again later, or ask for less.")
  }

  private static func otherMethods(_ methods: [HTTPRequest.Method]) -> Refusal {
    let names = methods.map(\.rawValue).joined(separator: ", ")
    let error = StoreError(
      .invalid, "The path is there, but not for this method.", hint: "Use one of: \(names).",
      details: ["allow": .array(methods.map { .string($0.rawValue) })])
    return Refusal(error, status: 405, headers: [.allow: names])
  }
}

/// What goes wrong.
extension ServerCore {
  /// An error with its status.
  ///
  /// Where a request has no body, `invalid` can only mean its path, its query or its header fields:
  /// 400.
  private func refusal(for error: any Error, to request: Request) -> Refusal {
    if let refusal = error as? Refusal { return refusal }
    let error = StoreError.from(error)
    if error.code == .invalid, Self.isBodiless(request.method) {
      return Refusal(error, status: 400)
    }
    if error.code == .conflict, error.details[Precondition.mark] != nil {
      return Refusal(error, status: 412)
    }
    return Refusal(error)
  }

  private static func isBodiless(_ method: HTTPRequest.Method) -> Bool {
    method == .get || method == .head || method == .delete
  }

  /// Lets the connection go where a refused request still has a body to send.
  ///
  /// Reading all of it would cost as much as taking it. The answer is still sent, and says so.
  private func refuseRest(
    of request: Request, _ channel: (any Channel)?, _ response: inout Response
  ) {
    guard let channel, BodyLength(request.headers).isLong else { return }
    response.headers[.connection] = "close"
    channel.pipeline.fireUserInboundEventTriggered(ConnectionHandler.RefuseRest())
  }
}

/// What is logged.
extension ServerCore {
  private func logFault(_ error: StoreError, _ id: String, _ logger: Logger) {
    guard error.code.status >= 500 else { return }
    var metadata: Logger.Metadata = [
      "code": .string(error.code.name), "origin": "\(error.origin)", "request_id": .string(id),
    ]
    if let cause = error.cause as? StoreError { metadata["cause"] = "\(cause)" }
    let level: Logger.Level = error.code == .unavailable ? .warning : .error
    logger.log(level: level, "request failed", metadata: metadata)
  }

  /// One line a request: reads at debug, writes at info; neither path nor query, which hold names.
  private func log(
    _ request: Request, _ route: Route?, _ response: Response, _ id: String,
    since start: Duration, _ logger: Logger
  ) {
    let isRead = request.method == .get || request.method == .head
    let level: Logger.Level = isRead ? .debug : .info
    guard logger.logLevel <= level else { return }
    logger.log(
      level: level, "request",
      metadata: [
        "method": .string(request.method.rawValue), "route": .string(route?.pattern ?? "none"),
        "status": "\(response.status.code)", "request_id": .string(id),
        "microseconds": "\((time.monotonicTime() - start).microseconds)",
      ])
  }
}
