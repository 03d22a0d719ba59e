import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Testing

enum AgentProgram {
  static let path =
    (ProcessInfo.processInfo.environment["BOOTSTEAD_BINARIES"] ?? FileManager.default.currentDirectoryPath
      + "/.build/release") + "/bootstead-agent"
  /// Mounts take root.
  static let isPossible = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: path)
}

/// The agent itself, killed with `kill -9` while a real rsync and a real Borg work with real mounts.
@Suite("The agent that is killed while it copies folders", .enabled(if: AgentProgram.isPossible))
struct KilledMirrorTests {
  /// A program in `PATH` that stands for another and stays in the middle of its work.
  private func stand(in scene: BackupScene, for program: String, unless condition: String) throws {
    let real = program == "rsync" ? "/usr/bin/rsync" : "/usr/bin/borg"
    try scene.write(
      "#!/bin/sh\n\(condition) && exec \(real) \"$@\"\ntouch '\(scene.node.file("middle"))'\nexec sleep 600\n",
      to: "bin/\(program)")
    #expect(chmod(scene.node.file("bin/\(program)"), 0o755) == 0)
  }

  private func arguments(_ scene: BackupScene) throws -> [String] {
    let set = try JSONEncoder().encode(StackSet.sample(directory: scene.node.file("stacks"), scene.stacks))
    try set.write(to: URL(fileURLWithPath: scene.node.file("set.json")))
    return [
      "--json", "--state", scene.node.file("state"), "--runtime", scene.node.file("run"), "--configuration",
      scene.node.file("backup.json"), "--stacks", scene.node.file("set.json"),
    ]
  }

  /// Kills the agent when the program in `PATH` has begun.
  private func killed(_ scene: BackupScene, plan: String) async throws {
    let command = [AgentProgram.path, "backup", "run", plan] + (try arguments(scene))
    let script =
      "\"$@\" & agent=$!; while [ ! -e '\(scene.node.file("middle"))' ] && kill -0 $agent; do sleep 0.05; done; "
      + "kill -9 $agent; wait $agent"
    let ended = try await TestProgram.run(
      "sh", ["-c", script, "sh"] + command,
      environment: ["PATH": scene.node.file("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin"])
    #expect(ended.status == 137, "\(ended.errors)")
    #expect(FileManager.default.fileExists(atPath: scene.node.file("middle")), "\(ended.errors)")
    #expect(try !scene.mounts().isEmpty)
  }

  private func recover(_ scene: BackupScene) async throws {
    let ended = try await TestProgram.run(AgentProgram.path, ["backup", "recover"] + (try arguments(scene)))
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.text.contains("interrupted"), "\(ended.text)")
    #expect(try scene.mounts() == [])
  }

  @Test("A mirror is unmounted by 'recover', its rsync is ended, its stacks are told of, and the next run succeeds")
  func mirror() async throws {
    let scene = try BackupScene(quiesce: .none)
    try scene.write("", to: "mirror/.there")
    let configuration = try scene.configuration(
      design: "rsync-mirror",
      settings: #"{"paths":["\#(scene.node.file("srv"))"],"maximumDeletions":5,"dumpFirst":false}"#,
      repository: #"{"type":"rsync","url":"\#(scene.node.file("mirror"))","environmentFiles":{}}"#)
    try stand(in: scene, for: "rsync", unless: "case \"$*\" in *--dry-run*) true;; *) false;; esac")
    try await killed(scene, plan: "rsync-mirror")
    try await recover(scene)
    #expect(try await scene.coverage("photos", configuration).gaps.contains { $0.contains("nothing was ever copied") })
    #expect(scene.text("state/backup/photos/history.json")?.contains("interrupted") == true)
    let again = try await TestProgram.run(
      AgentProgram.path, ["backup", "run", "rsync-mirror"] + (try arguments(scene)))
    #expect(again.status == 0, "\(again.errors)")
    #expect(scene.text("mirror" + scene.node.file("srv/photos/library/one.jpg")) == "picture of photos")
  }

  @Test("A disk in a drawer is unmounted by 'recover'")
  func cold() async throws {
    try await withLoopDisk(megabytes: 64) { disk in
      let scene = try BackupScene(quiesce: .none)
      _ = try scene.configuration(
        design: "cold-copy", tier: 3,
        settings:
          #"{"device":"\#(disk.device)","classes":["photos"],"passphraseFile":"\#(scene.node.file("secret"))"}"#,
        stacks: [])
      try stand(in: scene, for: "borg", unless: "false")
      try await killed(scene, plan: "cold-copy")
      try await recover(scene)
    }
  }
}
