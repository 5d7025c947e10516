import Holdfast

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A program that the crash tests start, disturb and kill: it opens a store, does what its mode
/// says and reports each thing that the store has acknowledged, in a line of its own, after the
/// fact.
@main enum Program {
  static func main() async {
    guard let settings = Settings(CommandLine.arguments) else {
      Report.line("usage: CrashWriter MODE LOCATION key=value …")
      exit(64)
    }
    let orders = Input.listen()
    do {
      let store = try await settings.open()
      Report.line("ready")
      switch settings.mode {
      case "write": await Writing(store: store, settings: settings).run()
      case "race": await Racing(store: store, settings: settings).run()
      case "watch": try await Watching(store: store, settings: settings).run()
      case "load": await Loading(store: store, settings: settings).run()
      case "claim": try await Claiming(store: store, settings: settings).run(orders)
      default: await Ordering(store: store).run(orders)
      }
      await store.close()
      Report.line("closed")
    } catch {
      Report.line("failed \(error)")
      exit(1)
    }
  }
}
