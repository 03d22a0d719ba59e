import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With real disks, mounts of them and a real Borg; the stacks' own snapshots are played (see SimulatedNode).
@Suite("Copies on a disk in a drawer")
struct ColdCopyTests {
  private func configuration(_ scene: BackupScene, device: String, secret: String = "secret") throws
    -> BackupConfiguration
  {
    try scene.configuration(
      design: "cold-copy", tier: 3,
      settings: #"{"device":"\#(device)","classes":["photos"],"passphraseFile":"\#(scene.node.file(secret))"}"#,
      stacks: [])
  }

  private func run(
    _ scene: BackupScene, _ configuration: BackupConfiguration, _ tools: RealTools? = nil
  ) async throws -> [BackupResult] {
    let tools = tools ?? RealTools(scene.node, mountsAll: false)
    return try await scene.engine(tools).run(plan: "cold-copy", configuration: configuration)
  }

  private func archives(_ scene: BackupScene, _ stack: String, on folder: String) async throws -> [BackupArchive] {
    try await BorgRepository(
      url: folder + "/bootstead/node1/" + stack, passphraseFile: scene.node.file("secret"),
      folder: scene.node.file("another-borg"), runner: SubprocessRunner()
    ).archives()
  }

  @Test("Each run adds an archive of each stack, removes none, and leaves the disk unmounted")
  func copies() async throws {
    try await withLoopDisk(megabytes: 64) { disk in
      let scene = try BackupScene(stacks: ["photos", "wiki"])
      let configuration = try configuration(scene, device: disk.device)
      for _ in 0..<2 {
        let results = try await run(scene, configuration)
        #expect(results.map(\.stack) == ["photos", "wiki", disk.device])
        #expect(results.allSatisfy { $0.outcome == .succeeded }, "\(results)")
        #expect(try scene.mounts() == [])
        scene.expectClean()
      }
      let row = try await scene.coverage("photos", configuration)
      #expect(row.newest["3"] != nil)
      #expect(row.gaps == ["no restore was ever tried"])
      try await disk.mounted(at: scene.node.file("look")) {
        for stack in ["photos", "wiki"] {
          // With a Borg that never saw it before, as on another machine.
          let found = try await archives(scene, stack, on: scene.node.file("look"))
          #expect(found.count == 2)
        }
      }
    }
  }

  @Test("A stack that fails leaves the others alone, and the disk is unmounted")
  func isolation() async throws {
    try await withLoopDisk(megabytes: 64) { disk in
      let scene = try BackupScene(stacks: ["photos", "wiki"])
      scene.node.state.withLock { $0.failing["stop database server"] = "no such luck" }
      scene.node.state.withLock { $0.running["wiki"] = [] }
      let results = try await run(scene, try configuration(scene, device: disk.device))
      #expect(results.map(\.outcome) == [.failed, .succeeded, .succeeded], "\(results)")
      #expect(try scene.mounts() == [])
    }
  }

  @Test(
    "A disk without a file system, with a partition table, or with one that Borg is not safe on is left as it is",
    arguments: ["nothing", "text", "mkswap", "mkfs.vfat"])
  func foreign(content: String) async throws {
    let make = ["mkswap": ["mkswap", "-q"], "mkfs.vfat": ["mkfs.vfat"]][content]
    try await withLoopDisk(megabytes: 16, make: make, content: content == "text" ? "somebody's data" : "") { disk in
      let scene = try BackupScene()
      let before = try await TestProgram.output("sha256sum", [disk.device])
      let results = try await run(scene, try configuration(scene, device: disk.device))
      #expect(results.map(\.outcome) == [.failed, .failed])
      let said = ["mkswap": "carries swap", "mkfs.vfat": "carries vfat"][content] ?? "carries nothing that is known"
      #expect(results[0].problem?.contains(said) == true, "\(results)")
      let after = try await TestProgram.output("sha256sum", [disk.device])
      #expect(after == before)
      #expect(try scene.mounts() == [])
    }
  }

  @Test("A disk that is not plugged in, or that somebody mounted, is named")
  func absent() async throws {
    let scene = try BackupScene()
    let results = try await run(scene, try configuration(scene, device: "/dev/disk/by-id/usb-Not_There-part1"))
    #expect(results.map(\.outcome) == [.failed, .failed])
    #expect(results[0].problem?.contains("is not plugged in") == true)
    #expect(try await scene.coverage("photos", try configuration(scene, device: "/dev/x")).newest == [:])
    try await withLoopDisk(megabytes: 16) { disk in
      try await disk.mounted(at: scene.node.file("look")) {
        let results = try await run(scene, try configuration(scene, device: disk.device))
        #expect(results[0].problem?.contains("is mounted already, at \(scene.node.file("look"))") == true, "\(results)")
        #expect(try scene.mounts() == [scene.node.file("look")])
      }
    }
  }

  @Test(
    "A wrong passphrase, a full disk and a lost secret fail, and the disk is unmounted",
    arguments: ["wrong", "full", "none"])
  func failing(kind: String) async throws {
    try await withLoopDisk(megabytes: kind == "full" ? 6 : 64) { disk in
      let scene = try BackupScene()
      try scene.write("another\n", to: "other")
      if kind == "wrong" { _ = try await run(scene, try configuration(scene, device: disk.device)) }
      if kind == "full" {
        try Data.incompressible(count: 12_000_000).write(
          to: URL(fileURLWithPath: scene.node.file("srv/photos/library/large")))
      }
      let secret = ["wrong": "other", "none": "lost"][kind] ?? "secret"
      let results = try await run(scene, try configuration(scene, device: disk.device, secret: secret))
      #expect(results.first?.outcome == .failed, "\(results)")
      let said = ["wrong": "the passphrase is wrong", "full": "No space left", "none": "the passphrase of"][kind] ?? ""
      #expect(results.first?.problem?.contains(said) == true, "\(results)")
      #expect(try scene.mounts() == [])
      scene.expectClean()
    }
  }

  @Test("A disk that can not be unmounted is no success, and goes with the next 'recover'")
  func busy() async throws {
    try await withLoopDisk(megabytes: 64) { disk in
      let scene = try BackupScene()
      let configuration = try configuration(scene, device: disk.device)
      let tools = RealTools(scene.node, mountsAll: false)
      tools.instead.withLock { $0["umount"] = Command("false", []) }
      let results = try await run(scene, configuration, tools)
      #expect(results.map(\.outcome) == [.failed, .failed], "\(results)")
      #expect(results[0].problem?.contains("leave the disk plugged in") == true)
      #expect(try scene.mounts().count == 1)
      tools.instead.withLock { $0 = [:] }
      try await scene.engine(tools).recover(configuration)
      #expect(try scene.mounts() == [])
      #expect(try await run(scene, configuration).allSatisfy { $0.outcome == .succeeded })
    }
  }
}
