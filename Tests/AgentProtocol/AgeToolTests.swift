import AgentProtocol
import Foundation
import ProgramTestSupport
import Testing

/// With the real `age` of the system, where it is installed.
@Suite("Against the age tool", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/age")))
struct AgeToolTests {
  @Test("the age tool opens what we seal", arguments: [0, 20, 65_536, 100_000])
  func toolOpens(length: Int) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("age-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let identity = AgeIdentity()
    let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    try Data(identity.secretText.utf8).write(to: directory.appendingPathComponent("key"))
    try Data(AgeFile.seal(content, to: identity.recipient)).write(to: directory.appendingPathComponent("sealed"))
    let opened = directory.appendingPathComponent("opened")
    let ended = try await TestProgram.run(
      "/usr/bin/age",
      [
        "-d", "-i", directory.appendingPathComponent("key").path, "-o", opened.path,
        directory.appendingPathComponent("sealed").path,
      ])
    #expect(ended.status == 0, "\(ended.errors)")
    // age 1.1.1 makes no output file for empty content.
    #expect(Array((try? Data(contentsOf: opened)) ?? Data()) == content)
  }
}
