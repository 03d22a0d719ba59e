import AgentProtocol
import CPIO
import Fleet
import Foundation
import Images
import Testing

@Suite("Files over HTTP")
struct FileTests {
  static let kernelPath = "/boot/images/installer/kernel"

  @Test("a file comes whole, with its exact length, and a HEAD request gets the same head")
  func whole() async throws {
    try await BootAppliance().serving { port in
      try await raw(port) { connection in
        for path in [FileTests.kernelPath, "/boot/images/installer/initrd", "/boot/loader/snponly.efi"] {
          let answer = try connection.get(path)
          #expect(answer.status == 200 && answer.body == BootAppliance.kernel)
          #expect(answer.values("content-length") == ["1000"])
          #expect(answer.values("transfer-encoding") == [])
          // The same connection goes on: the HEAD answer has no body that would spoil the next one.
          let head = try connection.get(path, method: "HEAD")
          #expect(head.status == 200 && head.values("content-length") == ["1000"] && head.body.isEmpty)
        }
        #expect(try connection.get("/boot/loader/snponly.efi").values("content-type") == ["application/efi"])
      }
    }
  }

  @Test("no answer has an empty header value, a redirect or a large head")
  func heads() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    try await appliance.serving { port in
      try await raw(port) { connection in
        for path in [
          FileTests.kernelPath, "/boot.ipxe", "/boot.ipxe?mac=52-54-00-00-00-01", "//boot.ipxe", "/boot//images", "/",
          "/autoexec.ipxe", "/boot/loader/autoexec.ipxe", "/cache/nix-cache-info", "/none", "/boot/loader/", "/boot/..",
        ] {
          let answer = try connection.get(path)
          #expect(!(300..<400).contains(answer.status), "\(path)")
          #expect(answer.values("content-length").count == 1, "\(path)")
          for line in answer.lines {
            let value = line.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
            #expect(line.contains(":") && value?.isEmpty == false, "\(path): \(line)")
          }
          #expect(answer.lines.map(\.utf8.count).reduce(0, +) < 1024)
        }
      }
    }
  }

  @Test(
    "one range is answered with that part, everything odd with the whole file or 416",
    arguments: [
      ("bytes=0-", 206, 0..<1000), ("bytes=0-0", 206, 0..<1), ("bytes=999-", 206, 999..<1000),
      ("bytes=100-199", 206, 100..<200), ("bytes=-1", 206, 999..<1000), ("bytes=-5000", 206, 0..<1000),
      ("bytes=500-2000", 206, 500..<1000), ("bytes=0-9223372036854775807", 206, 0..<1000),
      ("bytes=1000-", 416, 0..<0), ("bytes=-0", 416, 0..<0), ("bytes=9223372036854775807-", 416, 0..<0),
      ("bytes=0-0,5-9", 200, 0..<1000), ("bytes=5-2", 200, 0..<1000), ("bytes=abc", 200, 0..<1000),
      ("chars=0-1", 200, 0..<1000), ("bytes=", 200, 0..<1000), ("bytes=-", 200, 0..<1000), ("bytes=--5", 200, 0..<1000),
      ("bytes=+1-5", 200, 0..<1000), ("bytes=18446744073709551616-", 200, 0..<1000),
      ("bytes=0-0" + String(repeating: ",0-0", count: 1000), 200, 0..<1000),
    ] as [(String, Int, Range<Int>)])
  func ranges(header: String, status: Int, range: Range<Int>) async throws {
    try await BootAppliance().serving { port in
      let answer = try await raw(port) { try $0.get(FileTests.kernelPath, ["Range: \(header)"]) }
      #expect(answer.status == status)
      #expect(answer.status == 416 || answer.body == Array(BootAppliance.kernel[range]))
      let expected =
        switch status {
        case 206: ["bytes \(range.lowerBound)-\(range.upperBound - 1)/1000"]
        case 416: ["bytes */1000"]
        default: [String]()
        }
      #expect(answer.values("content-range") == expected)
    }
  }

  @Test("a client that has the file already is told so, and a range of another version is not given")
  func validators() async throws {
    try await BootAppliance().serving { port in
      try await raw(port) { connection in
        let tag = try #require(try connection.get(FileTests.kernelPath).values("etag").first)
        for value in [tag, "*", "\"other\", \(tag)", "W/\(tag)"] {
          let answer = try connection.get(FileTests.kernelPath, ["If-None-Match: \(value)"])
          #expect(answer.status == 304 && answer.body.isEmpty, "\(value)")
        }
        #expect(try connection.get(FileTests.kernelPath, ["If-None-Match: \"other\""]).status == 200)
        #expect(try connection.get(FileTests.kernelPath, ["Range: bytes=0-1", "If-Range: \(tag)"]).status == 206)
        #expect(try connection.get(FileTests.kernelPath, ["Range: bytes=0-1", "If-Range: \"old\""]).status == 200)
      }
    }
  }

  @Test(
    "what is not served is not found, whatever the path pretends",
    arguments: [
      "/boot/images/none/kernel", "/boot/images/installer/passwd", "/boot/images/../../fleet.sqlite/kernel",
      "/boot/loader/..%2f..%2ffleet.sqlite", "/boot/loader/%2e%2e", "/boot/loader/none.efi", "/fleet.sqlite",
      "/boot/overlay/00000000000000000000000000000000.cpio", "/boot/overlay/x.cpio", "/boot/overlay/.cpio",
      "/cache/../fleet.sqlite", "/cache/%2e%2e/cache.key", "/cache/nar/../../cache.key", "/cache/", "/cache",
      "/cache/" + String(repeating: "0", count: 32) + ".narinfo", "/boot/loader/" + String(repeating: "a", count: 4000),
      "/boot/images/installer%00/kernel", "/../etc/passwd", "/agent/v1/task/",
    ])
  func notFound(path: String) async throws {
    try await BootAppliance().serving { port in
      let answer = try await raw(port) { try $0.get(path) }
      #expect([400, 404].contains(answer.status), "\(answer.status)")
      #expect(!answer.text.contains("SQLite"))
    }
  }

  @Test("an open download keeps its content when the image is replaced")
  func replacedWhileRead() async throws {
    let appliance = try BootAppliance()
    try await appliance.serving { port in
      let before = try await raw(port) { try $0.get(FileTests.kernelPath, ["Range: bytes=0-499"]) }
      let other = appliance.folder.appendingPathComponent("other")
      try Data(BootAppliance.kernel.reversed()).write(to: other)
      let kernel = appliance.folder.appendingPathComponent("kernel")
      appliance.catalogue.put(
        try BootImage(
          name: ImageName("installer"), kernelPath: kernel.path, initrdPath: other.path, in: appliance.catalogue.store,
          now: Date()))
      let tag = try #require(before.values("etag").first)
      let after = try await raw(port) {
        try $0.get("/boot/images/installer/initrd", ["Range: bytes=500-", "If-Range: \(tag)"])
      }
      // Another version: the whole of it, never the second half of a mixture.
      #expect(after.status == 200 && after.body == BootAppliance.kernel.reversed())
    }
  }

  @Test("requests on one connection are answered in their order, also when they come at once")
  func pipelined() async throws {
    try await BootAppliance().serving { port in
      try await raw(port) { connection in
        let request = "GET \(FileTests.kernelPath) HTTP/1.1\r\nHost: a\r\nRange: bytes="
        connection.write((0..<20).map { "\(request)\($0)-\($0)\r\n\r\n" }.joined())
        for number in 0..<20 {
          let answer = try connection.answer()
          #expect(answer.body == [BootAppliance.kernel[number]])
        }
      }
    }
  }

  @Test("a head that is too large, and one that is none, end the connection and not the server")
  func brokenHeads() async throws {
    try await BootAppliance().serving { port in
      for head in [
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n\r\n",
        "GET / HTTP/1.1\r\n" + (0..<1000).map { "X\($0): y\r\n" }.joined() + "\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST /agent/v1/begin HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ] {
        let status = try await raw(port) { connection in
          connection.write(head)
          return (try? connection.answer().status) ?? 0
        }
        #expect(status == 0 || (400..<600).contains(status), "\(status) for \(head.prefix(60))")
      }
      #expect(try await raw(port) { try $0.get(FileTests.kernelPath).status } == 200)
    }
  }

  @Test("a client that never ends its head is closed, and so is one that asks for nothing")
  func silentClients() async throws {
    try await BootAppliance().serving(idleSeconds: 1) { port in
      let bytes = try await raw(port) { connection in
        connection.write("GET / HTTP/1.1\r\nHost: a\r\nX: ")
        // Returns once the server closes.
        return connection.read()
      }
      #expect(bytes.isEmpty)
      #expect(try await raw(port) { $0.read() }.isEmpty)
    }
  }
}
