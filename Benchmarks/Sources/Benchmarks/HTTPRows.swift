/// Rows 7 and 8: over HTTP.
enum HTTPRows {
  static func measure(_ bench: Bench) async throws -> [Row] { [] }
}
