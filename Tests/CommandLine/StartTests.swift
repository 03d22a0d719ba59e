import Foundation
import Lab
import Testing

@Suite("Starting the appliance", .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct StartTests {
  private static let dnsmasq = "/usr/sbin/dnsmasq"

  @Test("a second appliance is refused, whether it shares the data or only the ports")
  func second() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        let same = try await appliance.secondServe("--interface", "lan", "--data", appliance.data())
        #expect(same.status == 1 && same.errors.contains("another appliance runs on"), "\(same)")
        let web = try await appliance.secondServe("--interface", "lan", "--data", appliance.data("other"))
        #expect(web.status == 1 && web.errors.contains("port 8080") && web.errors.contains("--http-port"), "\(web)")
        let boot = try await appliance.secondServe(
          "--interface", "lan", "--data", appliance.data("other"), "--http-port", "8081")
        // The DHCP and the TFTP server start at the same time: either may be the first to find its port taken.
        let isNamed = boot.errors.contains("port 67") || boot.errors.contains("192.0.2.1:69")
        #expect(boot.status == 1 && isNamed, "\(boot)")
        #expect(try await appliance.bootstead("status").status == 0)
      }
    }
  }

  @Test("an interface that is not there, or has no address, is refused with those there are")
  func interfaces() async throws {
    try await withAppliance { appliance in
      let absent = try await appliance.secondServe("--interface", "wan", "--data", appliance.data())
      #expect(absent.status == 1 && absent.errors.contains("wan") && absent.errors.contains("lan"), "\(absent)")
      _ = try await ApplianceProcess.run(
        ApplianceProcess.ip, ["-n", appliance.namespace, "link", "add", "bare", "type", "bridge"])
      let bare = try await appliance.secondServe("--interface", "bare", "--data", appliance.data())
      #expect(bare.status == 1 && bare.errors.contains("bare"), "\(bare)")
    }
  }

  @Test(
    "beside a DHCP server on the same host the start is refused, and the message names it",
    .enabled(if: FileManager.default.isExecutableFile(atPath: StartTests.dnsmasq)))
  func foreignServer() async throws {
    try await withAppliance { appliance in
      let pidFile = appliance.folder.path + "/dnsmasq.pid"
      let started = try await ApplianceProcess.run(
        ApplianceProcess.ip,
        [
          "netns", "exec", appliance.namespace, StartTests.dnsmasq, "--conf-file=/dev/null", "--port=0",
          "--interface=lan",
          "--bind-interfaces", "--dhcp-range=192.0.2.100,192.0.2.200", "--pid-file=\(pidFile)",
          "--dhcp-leasefile=\(appliance.folder.path)/leases",
        ])
      #expect(started.status == 0, "\(started)")
      let ended = try await appliance.secondServe("--interface", "lan", "--data", appliance.data())
      let pid = try String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
      kill(try #require(pid_t(pid)), SIGKILL)
      #expect(ended.status == 1 && ended.errors.contains("port 67") && ended.errors.contains("dnsmasq"), "\(ended)")
    }
  }

  @Test("an appliance that was killed starts again, with all that it had answered")
  func killed() async throws {
    try await withAppliance { appliance in
      let process = try await appliance.serve()
      #expect(try await appliance.bootstead("machine", "add", "--mac", "525400000001", "--name", "node1").status == 0)
      await process.stop(signal: SIGKILL)
      #expect(try await appliance.bootstead("status").status == 3)
      try await appliance.serving {
        let shown = try await appliance.bootstead("machine", "show", "node1")
        #expect(shown.status == 0 && shown.output.contains("armed"), "\(shown)")
      }
    }
  }

  @Test("an appliance that was told to end leaves its registry in one file")
  func closed() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {}
      let log = try? FileManager.default.attributesOfItem(atPath: appliance.data() + "/fleet.sqlite-wal")
      #expect((log?[.size] as? Int ?? 0) == 0, "\(String(describing: log))")
    }
  }

  @Test("everything in the data directory is its owner's alone")
  func permissions() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        let files = try #require(FileManager.default.enumerator(atPath: appliance.data()))
        var count = 0
        while let name = files.nextObject() as? String {
          let mode = files.fileAttributes?[.posixPermissions] as? Int ?? 0
          #expect(mode & 0o077 == 0, "\(name) has mode \(String(mode, radix: 8))")
          count += 1
        }
        #expect(count > 5)
      }
    }
  }

  @Test("a damaged registry or key stops the start with its path")
  func damaged() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {}
      for name in ["fleet.sqlite", "appliance.key"] {
        let path = appliance.data() + "/" + name
        let good = try Data(contentsOf: URL(fileURLWithPath: path))
        try Data("damaged".utf8).write(to: URL(fileURLWithPath: path))
        let ended = try await appliance.secondServe("--interface", "lan", "--data", appliance.data())
        #expect(ended.status == 1 && ended.errors.contains(path), "\(ended)")
        try good.write(to: URL(fileURLWithPath: path))
      }
    }
  }
}
