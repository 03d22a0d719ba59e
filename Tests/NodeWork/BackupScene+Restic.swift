import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

extension BackupScene {
  /// As `/etc/bootstead/backup.json` is written, with both of Restic's designs.
  /// - Parameter offsite: of a plan `b2-offsite` that copies the class `photos`.
  func restic(
    _ url: String, offsite: String? = nil, passphrase: String = "secret", environment: [String: String] = [:]
  ) throws -> BackupConfiguration {
    let retention = #"{"last":2,"daily":0,"weekly":0,"monthly":0,"yearly":0}"#
    let names = stacks.map { "\"\($0.name)\"" }.joined(separator: ",")
    let files = environment.map { #""\#($0.key)":"\#(node.file($0.value))""# }.joined(separator: ",")
    let far =
      offsite.map {
        #"""
        ,"b2-offsite":{"design":"b2-offsite","tier":3,"stacks":[],"repository":null,"unit":null,
        "settings":{"url":"\#($0)","classes":["photos"],"retention":\#(retention),"uploadLimit":50000,
        "keyIdentifierFile":"\#(node.file("identifier"))","keyFile":"\#(node.file("key"))",
        "passphraseFile":"\#(node.file(passphrase))"}}
        """#
      } ?? ""
    let text = #"""
      {"schema":1,"ping":null,"repositories":{"rest":{"type":"restic","url":"\#(url)","hostKey":null,
      "passphraseFile":"\#(node.file(passphrase))","sshKeyFile":null,"environmentFiles":{\#(files)}}},
      "plans":{"restic-rest":{"design":"restic-rest","tier":1,"stacks":[\#(names)],"repository":"rest","unit":null,
      "settings":{"retention":\#(retention),"pruneSchedule":"Sun 01:00"}}\#(far)}}
      """#
    try write(text, to: "backup.json")
    return try BackupConfiguration.read(node.file("backup.json"))
  }

  func repository(
    _ stack: String, plan: String, _ configuration: BackupConfiguration
  ) throws -> any BackupRepository {
    try engine.repository(of: stack, plan: configuration.plan(plan), configuration: configuration)
  }

  func run(plan: String, _ configuration: BackupConfiguration) async throws -> [BackupResult] {
    let results = try await engine.run(plan: plan, configuration: configuration)
    locks.releaseAll()
    return results
  }

  /// The commands of a program, as they are seen by everybody on the machine.
  func commands(_ program: String, _ words: String...) -> [String] {
    node.state.withLock { $0.commands }.filter { $0.program == program }.map { "\($0)" }.filter { line in
      words.allSatisfy { line.contains($0) }
    }
  }
}
