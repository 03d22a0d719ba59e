import AgentProtocol
import NodeFiles
import ProgramRunner

/// Carries out what the appliance orders of secrets on a running node.
struct SecretDelivery: Sendable {
  let root: String
  let runner: any CommandRunner
  let log: AgentLog

  /// - Returns: whether something changed, which the appliance is told at once.
  func carryOut(_ orders: NodeOrders) async -> Bool {
    let node = NodeSecrets(root: root)
    let held = node.held
    let secrets = (orders.secrets ?? []).filter { held[$0.name] != $0.revision }
    let obsolete = (orders.obsoleteSecrets ?? []).filter { held[$0] != nil }
    guard !secrets.isEmpty || !obsolete.isEmpty else { return false }
    let changed: Set<String>
    do { changed = try node.take(secrets, obsolete: obsolete) } catch {
      log.say("secrets of the appliance could not be taken: \(error)")
      return false
    }
    log.say("secrets changed: \(changed.sorted().joined(separator: ", "))")
    let path = root + SecretPlacement.path
    guard FileSystemEntry(path).exists else { return true }
    do {
      let placement = try SecretPlacement.read(path)
      do { try placement.apply(root: root, from: node) } catch let error as NodeSecretError {
        log.say("secrets: \(error)")
      }
      let units = placement.units(using: changed)
      if !units.isEmpty { try await runner.run(Command("systemctl", ["try-restart", "--"] + units)) }
      // What could not start without it. It may take long, and the next report waits for nothing.
      let waiting = placement.units(using: changed.subtracting(held.keys).subtracting(obsolete))
      if !waiting.isEmpty { try await runner.run(Command("systemctl", ["start", "--no-block", "--"] + waiting)) }
    } catch {
      log.say("services that use these secrets go on with the old ones: \(error)")
    }
    return true
  }
}
