import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// A simulated node with stacks, their data, and a plan.
struct BackupScene {
  let node: SimulatedNode
  let locks = Locks()
  var stacks: [CompiledStack] = []

  final class Locks: Sendable {
    let held = Mutex<[FileLock]>([])
    /// What the kernel does when a process ends.
    func releaseAll() {
      held.withLock { held in
        for lock in held { lock.release() }
        held = []
      }
    }
  }

  init(playsBorg: Bool = false, stacks: [String] = ["photos"], quiesce: StackBackup.Quiesce = .stop) throws {
    node = try SimulatedNode(playsBorg: playsBorg)
    for name in stacks { try add(name, quiesce: quiesce) }
    try write("correct horse battery staple\n", to: "secret")
    #expect(chmod(node.file("secret"), 0o400) == 0)
  }

  mutating func add(_ name: String, quiesce: StackBackup.Quiesce) throws {
    let mountPoint = node.file("srv/\(name)")
    try write("picture of \(name)", to: "srv/\(name)/library/one.jpg")
    try write("thumb", to: "srv/\(name)/library/thumbs/one.jpg")
    try write("rows", to: "srv/\(name)/database/table")
    node.state.withLock {
      $0.volumes["data/\(name)"] = SimulatedNode.Volume(folder: mountPoint, mountPoint: mountPoint)
      $0.running[name] = ["server", "database"]
      $0.services[name] = ["server", "database"]
    }
    stacks.append(
      .sample(
        name,
        volumes: ["library", "database"].map {
          .sample(
            $0, class: .photos, mountPoint + "/" + $0, owner: StackOwner(user: Int(getuid()), group: Int(getgid())))
        },
        backup: StackBackup(
          quiesce: quiesce,
          dump: quiesce == .dump
            ? [StackBackup.Dump(service: "database", command: ["pg_dump", name], output: "database.dump")] : [],
          restore: quiesce == .dump
            ? [StackBackup.Restore(service: "database", command: ["pg_restore"], input: "database.dump")] : [],
          verify: [StackBackup.Verification(service: "server", command: ["ping"], expect: "pong")],
          exclude: ["library/thumbs/*"])))
  }

  func write(_ text: String, to name: String) throws {
    let url = URL(fileURLWithPath: node.file(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func text(_ name: String) -> String? { try? String(contentsOfFile: node.file(name), encoding: .utf8) }

  var engine: BackupEngine {
    let locks = locks
    return BackupEngine(
      folders: node.folders, set: .sample(directory: node.file("stacks"), stacks),
      snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: node)], runner: node), runner: node,
      lock: { path, holder throws(NodeWorkError) in
        let lock = try FileLock.acquire(path, holder: holder)
        locks.held.withLock { $0.append(lock) }
        return lock
      }, say: { _ in })
  }

  /// As `/etc/bootstead/backup.json` is written.
  func configuration(
    url: String? = nil, passphrase: String = "secret",
    retention: String = #"{"last":2,"daily":0,"weekly":0,"monthly":0,"yearly":0}"#,
    ping: String = "null", remoteShell: String = "null"
  ) throws -> BackupConfiguration {
    let names = stacks.map { "\"\($0.name)\"" }.joined(separator: ",")
    let files = stacks.map { #""\#($0.name)":"\#(node.file(passphrase))""# }.joined(separator: ",")
    let text = #"""
      {"schema":1,"ping":\#(ping),"repositories":{"nas":{"type":"borg","url":"\#(url ?? node.file("repositories"))",
      "hostKey":null,"passphraseFile":null,"sshKeyFile":null,"environmentFiles":{},"remoteShell":\#(remoteShell)}},
      "plans":{"borg-per-service":{"design":"borg-per-service","tier":1,"stacks":[\#(names)],"repository":"nas",
      "settings":{"encryption":"repokey-blake2","compression":"zstd,3","exclude":[],"retention":\#(retention),
      "stackRetention":{},"checkSchedule":"weekly","passphraseFiles":{\#(files)}}}}}
      """#
    try write(text, to: "backup.json")
    return try BackupConfiguration.read(node.file("backup.json"))
  }

  func repository(_ stack: String, _ configuration: BackupConfiguration) throws -> any BackupRepository {
    try engine.repository(of: stack, plan: configuration.plan("borg-per-service"), configuration: configuration)
  }

  func run(_ configuration: BackupConfiguration, only: [String] = []) async throws -> [BackupResult] {
    let results = try await engine.run(plan: "borg-per-service", configuration: configuration, only: only)
    locks.releaseAll()
    return results
  }

  /// What must be so whenever nothing works on the node.
  func expectClean(_ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) {
    let state = node.state.withLock { $0 }
    for stack in stacks {
      #expect(state.running[stack.name] == ["server", "database"], comment, sourceLocation: sourceLocation)
      let left = ["journal.json", "source/dump/database.dump"].filter {
        FileManager.default.fileExists(atPath: node.file("state/backup/\(stack.name)/\($0)"))
      }
      #expect(left == [], comment, sourceLocation: sourceLocation)
    }
    #expect(state.paused.values.allSatisfy { $0.isEmpty }, comment, sourceLocation: sourceLocation)
    #expect(state.mounts.isEmpty, comment, sourceLocation: sourceLocation)
    #expect(
      state.volumes.keys.sorted() == stacks.map { "data/\($0.name)" }.sorted(), comment, sourceLocation: sourceLocation)
    #expect(!state.repositoryLocked, comment, sourceLocation: sourceLocation)
  }

  /// Neither half of an archive nor a record of a restore.
  func expectNothingFetched(_ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) {
    for stack in stacks {
      let left = (try? FileManager.default.contentsOfDirectory(atPath: node.file("srv/\(stack.name)"))) ?? []
      #expect(!left.contains { $0.hasPrefix(".bootstead") }, comment, sourceLocation: sourceLocation)
      for name in ["restore", "restore.json"] {
        let isThere = FileManager.default.fileExists(atPath: node.file("state/backup/\(stack.name)/\(name)"))
        #expect(!isThere, comment, sourceLocation: sourceLocation)
      }
    }
  }
}
