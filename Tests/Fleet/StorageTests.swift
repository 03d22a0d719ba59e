import BootDecision
import DiskLayout
import Fleet
import Foundation
import GRDB
import NetworkAddress
import Testing

@Suite("The registry's file")
struct StorageTests {
  @Test("the file is its owner's alone")
  func permissions() throws {
    let registry = try Registry()
    let attributes = try FileManager.default.attributesOfItem(atPath: registry.path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test("a file of a newer version is refused, and stays as it is")
  func newerVersion() throws {
    let registry = try Registry()
    try DatabaseQueue(path: registry.path).write {
      try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('from the future')")
    }
    let error = #expect(throws: FleetError.self) { try registry.reopened() }
    #expect(error?.description.contains("newer") == true)
  }

  @Test("a damaged file is refused with its path, and never taken for an empty registry", arguments: [0, 4096, 20_000])
  func damaged(offset: Int) async throws {
    let registry = try Registry()
    try await registry.add()
    try await registry.fleet.setSecret(Data(count: 100_000), named: "filler", of: "node1")
    let copy = registry.folder.appendingPathComponent("copy.sqlite").path
    try DatabaseQueue(path: registry.path).backup(to: DatabaseQueue(path: copy))
    _ = try Fleet(path: copy)
    for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: copy))
    for index in offset..<min(offset + 4096, bytes.count) { bytes[index] = 0xA5 }
    try bytes.write(to: URL(fileURLWithPath: copy))
    let error = #expect(throws: FleetError.self) { try Fleet(path: copy) }
    #expect(error?.description.contains(copy) == true)
  }

  /// matchbox skips a group file that it can not read, and the machine then gets the installer
  /// (`storage/filestore.go`).
  @Test("a machine that can not be read stops the start; it is not taken for an unknown one")
  func unreadableMachine() async throws {
    let registry = try Registry()
    try await registry.add()
    try await DatabaseQueue(path: registry.path).write { try $0.execute(sql: "UPDATE machine SET state = 'melted'") }
    #expect(throws: (any Error).self) { try registry.reopened() }
    let mac = try MACAddress("52:54:00:00:00:01")
    #expect(
      await refusal {
        _ = try await registry.fleet.boot(
          BootContact(mac: mac, uuid: nil, serial: nil, product: nil, platform: nil), enrolment: .automatic)
      } != nil)
  }

  /// warewulf changes its node list under a read lock (`internal/pkg/node/nodedb.go`).
  @Test("changes at the same moment are all kept, and one address gets one owner")
  func concurrentChanges() async throws {
    let registry = try Registry()
    let won = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<40 {
        group.addTask {
          do {
            try await registry.add(
              "node\(number)", macs: [String(format: "5254000001%02x", number), "52:54:00:ff:ff:ff"])
            return true
          } catch FleetError.addressTaken {
            return false
          }
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(won == 1)
    let name = try #require(try await registry.fleet.machines().first).machine.name.text
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          var change = SetMachine()
          change.addAddresses = [try MACAddress(String(format: "5254000002%02x", number))]
          _ = try await registry.fleet.set(name, change)
        }
      }
      try await group.waitForAll()
    }
    #expect(try await registry.fleet.machine(name).addresses.count == 42)
    #expect(try await registry.fleet.events(of: name).filter { $0.kind == "setting" }.count == 40)
  }

  @Test("a process that is killed in the middle of its work loses nothing that it had answered")
  func killed() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("killed-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    setenv("BOOTSTEAD_KILLED_FOLDER", folder.path, 1)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let folder = try #require(ProcessInfo.processInfo.environment["BOOTSTEAD_KILLED_FOLDER"])
      let fleet = try Fleet(path: folder + "/fleet.sqlite")
      let answers = open(folder + "/answers", O_WRONLY | O_CREAT | O_APPEND, 0o600)
      await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<400 {
          group.addTask {
            let name = "node\(number)"
            _ = try await fleet.add(
              AddMachine(
                name: MachineName(name), addresses: [MACAddress(String(format: "52540000%04x", number))],
                layout: LayoutSpec()))
            let line = Array("\(name)\n".utf8)
            write(answers, line, line.count)
            if number == 150 { kill(getpid(), SIGKILL) }
          }
        }
      }
    }
    let answered = try String(contentsOf: folder.appendingPathComponent("answers"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let fleet = try Fleet(path: folder.appendingPathComponent("fleet.sqlite").path)
    let machines = try await fleet.machines()
    #expect(!answered.isEmpty && answered.count < 400)
    #expect(Set(answered).isSubset(of: Set(machines.map(\.machine.name.text))))
    for detail in machines {
      #expect(detail.machine.state == .armed && detail.addresses.count == 1)
      #expect(try await fleet.events(of: detail.machine.name.text).last?.state == .armed)
    }
  }

  @Test("tokens are kept as hashes, and are good for their purpose alone")
  func tokens() async throws {
    let registry = try Registry()
    let token = try await registry.fleet.makeToken(purpose: "cache", lifetime: 60).token
    #expect(try await registry.fleet.accepts(token: token, purpose: "cache"))
    #expect(try await !registry.fleet.accepts(token: token, purpose: "api"))
    #expect(try await !registry.fleet.accepts(token: "", purpose: "cache"))
    let stored = try registry.sql("SELECT hash FROM token", as: String.self)
    #expect(stored.count == 1 && !token.contains(stored[0]) && !stored[0].contains(token))
    #expect(try await !registry.fleet.accepts(token: stored[0], purpose: "cache"))
  }

  @Test("tokens end by their time, or when they are revoked")
  func tokensEnd() async throws {
    let registry = try Registry()
    let short = try await registry.fleet.makeToken(purpose: "cache", lifetime: 60)
    let long = try await registry.fleet.makeToken(purpose: "cache", lifetime: 3600)
    let other = try await registry.fleet.makeToken(purpose: "other", lifetime: 3600)
    #expect(long.expiresAt.timeIntervalSince(short.expiresAt) == 3540)
    registry.pass(seconds: 61)
    #expect(try await !registry.fleet.accepts(token: short.token, purpose: "cache"))
    #expect(try await registry.fleet.accepts(token: long.token, purpose: "cache"))
    #expect(try await registry.fleet.revokeTokens(purpose: "cache") == 1)
    #expect(try await !registry.fleet.accepts(token: long.token, purpose: "cache"))
    #expect(try await registry.fleet.accepts(token: other.token, purpose: "other"))
  }

  @Test("decisions of known machines are kept up to a bound, those of strangers are not")
  func decisions() async throws {
    let registry = try Registry()
    try await registry.add()
    let mac = try MACAddress("52:54:00:00:00:01")
    for number in 0..<150 {
      try await registry.fleet.store([
        .init(at: Date(), mac: mac, decision: "\(number)"),
        .init(at: Date(), mac: try MACAddress("52:54:00:00:00:02"), decision: "stranger"),
      ])
    }
    #expect(try await registry.fleet.decisions(of: "node1", limit: 3).map(\.decision) == ["149", "148", "147"])
    #expect(try registry.sql("SELECT count(*) FROM decision", as: Int.self) == [100])
  }

  @Test("the events of a machine are bounded, and the newest stay")
  func eventBound() async throws {
    let registry = try Registry()
    try await registry.add()
    try await DatabaseQueue(path: registry.path).write { database in
      for number in 0..<Fleet.eventLimit {
        try database.execute(
          sql: "INSERT INTO event (machine, at, kind, text) VALUES (1, '2027-01-01', 'progress', ?)",
          arguments: ["\(number)"])
      }
    }
    _ = try await registry.fleet.rename("node1", to: MachineName("node2"))
    #expect(try registry.sql("SELECT count(*) FROM event", as: Int.self) == [Fleet.eventLimit])
    #expect(
      try registry.sql("SELECT text FROM event ORDER BY id DESC LIMIT 1", as: String.self) == [
        "renamed from node1 to node2"
      ])
  }
}
