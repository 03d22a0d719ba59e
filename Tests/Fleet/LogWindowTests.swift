import AgentProtocol
import Fleet
import Testing

@Suite("Following a log by asking again")
struct LogWindowTests {
  static let first = """
    photos-server-1  | 2026-01-31T23:59:58.100000000Z up
    photos-db-1      | 2026-01-31T23:59:57.9Z ready | 2026-01-01T00:00:00Z is no time of this line
    photos-server-1  | 2026-01-31T23:59:58.100000000Z up again
    """

  @Test("lines come once, by time and without it; what is asked for begins a little before the newest")
  func new() throws {
    var window = LogWindow()
    #expect(window.since == nil && window.take("").isEmpty && window.newest == nil)
    #expect(
      window.take(Self.first).map(\.text) == [
        "photos-db-1      | ready | 2026-01-01T00:00:00Z is no time of this line", "photos-server-1  | up",
        "photos-server-1  | up again",
      ])
    #expect(window.newest == "2026-01-31T23:59:58.100000000Z" && window.since == "2026-01-31T23:59:53Z")
    _ = try LogTime(try #require(window.since))
    #expect(window.take(Self.first).isEmpty)
    // Over midnight; one that came late, and one that was there.
    let later = "a-1  | 2026-02-01T00:00:02Z b\na-1  | 2026-01-31T23:59:57.95Z late\n" + Self.first
    #expect(window.take(later).map(\.text) == ["a-1  | late", "a-1  | b"])
    #expect(window.since == "2026-01-31T23:59:57Z")
    #expect(window.take("a-1  | 2026-01-31T23:59:57.95Z late\na-1  | 2026-02-01T00:00:02Z b").isEmpty)
  }

  @Test("what has no time is printed once, and moves nothing")
  func withoutTime() {
    var window = LogWindow()
    #expect(window.take("no such service\r\n").map(\.text) == ["no such service"])
    #expect(window.take("no such service").isEmpty && window.since == nil)
    #expect(window.take("2026-01-31T23:59:58Z alone").map(\.text) == ["alone"])
  }
}
