import Fleet
import Foundation
import Images
import Testing

@Suite("Many clients", .serialized)
struct LoadTests {
  /// Open files that a test with so many sockets on both sides needs.
  private static let enoughFiles: Bool = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return limit.rlim_cur > 5000
  }()

  @Test("2,000 connections are open at once, and each is answered", .enabled(if: LoadTests.enoughFiles))
  func manyConnections() async throws {
    try await BootAppliance().serving { port in
      try await raw(port) { first in
        let connections = try [first] + (1..<2000).map { _ in try RawConnection(port: port) }
        for connection in connections {
          connection.write("GET \(FileTests.kernelPath) HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        var complete = 0
        for connection in connections where try connection.answer().body == BootAppliance.kernel { complete += 1 }
        #expect(complete == 2000)
      }
    }
  }

  @Test("slow downloads of a large file do not fill the memory")
  func slowDownloads() async throws {
    let appliance = try BootAppliance()
    let digest = String(repeating: "f", count: 64)
    let size = 8 << 30
    let path = appliance.catalogue.store.directory.appendingPathComponent(digest).path
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    #expect(truncate(path, size) == 0)
    let blob = "{\"digest\":\"\(digest)\",\"size\":\(size)}"
    let record = "{\"name\":\"large\",\"kernel\":\(blob),\"initrd\":\(blob),\"addedAt\":0}"
    appliance.catalogue.put(try JSONDecoder().decode(BootImage.self, from: Data(record.utf8)))
    try await appliance.serving { port in
      let before = try residentBytes()
      try await raw(port) { first in
        let connections = try [first] + (1..<8).map { _ in try RawConnection(port: port) }
        for connection in connections {
          connection.write("GET /boot/images/large/initrd HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        var received = 0
        for _ in 0..<64 {
          for connection in connections { received += connection.read().count }
        }
        #expect(received > 8 << 20)
        #expect(try residentBytes() < before + (96 << 20))
      }
      #expect(try await raw(port) { try $0.get(FileTests.kernelPath).status } == 200)
    }
  }
}

/// Of this process (proc(5), statm: the second field, in pages).
private func residentBytes() throws -> Int {
  let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
  return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}
