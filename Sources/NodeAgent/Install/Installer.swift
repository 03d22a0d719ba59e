import ProgramRunner
import AgentProtocol
import DiskLayout

/// The agent in the installer: claims, waits, installs, reports.
///
/// Network errors are tried again for as long as the machine runs, without starting over. An install that fails is
/// reported with its log, and the agent stays for what the appliance says next.
public struct Installer: Sendable {
  public let overlay: BootOverlay
  public let keys: AgentKeys
  public let link: ApplianceLink
  public let log: AgentLog
  public let disks: any DiskPreparation
  public let system: any SystemCopy
  /// Nil where the image has no Nix.
  public let builder: (any SystemBuild)?
  /// What becomes of the data that a rebuild keeps.
  public let data: any DataKeeping
  public let wiper: any DiskWiping
  public let runner: any CommandRunner
  /// Where the new root gets mounted.
  public let target: String
  let examiner: HardwareExaminer
  /// Told of each answer; nil where no watchdog looks.
  let contact: ApplianceContact?
  let readInventory: @Sendable () -> MachineInventory
  let pause: @Sendable (Duration) async throws -> Void
  let feed: ProgressFeed

  public init(
    overlay: BootOverlay, keys: AgentKeys, link: ApplianceLink, log: AgentLog, disks: any DiskPreparation,
    system: any SystemCopy, builder: (any SystemBuild)? = nil, data: any DataKeeping = KeptData(),
    wiper: any DiskWiping = DiskWiper(),
    runner: any CommandRunner = SubprocessRunner(), target: String = "/mnt",
    examiner: HardwareExaminer = HardwareExaminer(),
    contact: ApplianceContact? = nil,
    readInventory: @escaping @Sendable () -> MachineInventory = { InventoryReader(root: "/").read() },
    pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.overlay = overlay
    self.keys = keys
    self.link = link
    self.log = log
    self.disks = disks
    self.system = system
    self.builder = builder
    self.data = data
    self.wiper = wiper
    self.runner = runner
    self.target = target
    self.examiner = examiner
    self.contact = contact
    self.readInventory = readInventory
    self.pause = pause
    feed = ProgressFeed(log: log)
  }

  /// Runs until the machine is to restart: after an install, or because the appliance says so.
  /// - Throws: only when it is cancelled, or for an error in the program.
  public func run() async throws {
    var inventory = readInventory()
    log.say("this machine: \(Installer.describe(inventory))")
    try await claim(inventory)
    var announced: String?
    var silentSeconds = 0
    var secondsSinceInventory = 0
    while true {
      let task: AgentTask
      do {
        task = try await link.get(AgentPath.task, as: AgentTask.self)
      } catch .refused(let refusal) where refusal.code == .unknownSession {
        log.say("the appliance does not know this session any more; claiming again")
        inventory = readInventory()
        try await claim(inventory)
        announced = nil
        continue
      } catch {
        log.say("\(error)")
        try await pause(.seconds(error.isPassing ? 3 : 10))
        continue
      }
      try contact?.note(task)
      switch task {
      case .install(let install):
        if try await self.install(install) { return }
        announced = nil
        // The next plan starts from what this attempt left on the disks.
        try await refresh(&inventory)
        try await pause(.seconds(10))
      case .wipe(let wipe):
        try await self.wipe(wipe)
        announced = nil
        try await refresh(&inventory)
        try await pause(.seconds(10))
      case .examine(let task):
        try await examine(task, inventory)
        announced = nil
      case .reboot:
        log.say("the appliance says: restart")
        return
      case .wait(let reason, let seconds):
        let text = "waiting: \(reason)"
        // Repeated now and then, for whoever comes to the screen later.
        if text != announced || silentSeconds >= 60 {
          log.say(text)
          announced = text
          silentSeconds = 0
        }
        silentSeconds += seconds
        try await pause(.seconds(seconds))
        secondsSinceInventory += seconds
        if secondsSinceInventory >= 20 {
          secondsSinceInventory = 0
          try await refresh(&inventory)
        }
      case .inventoryOnly:
        if announced != "inventory" {
          log.say("inventory sent; nothing on this machine was changed")
        }
        announced = "inventory"
        try await pause(.seconds(10))
      case .refuse(let reason):
        if announced != reason { log.say("the appliance does not install this machine: \(reason)") }
        announced = reason
        try await pause(.seconds(10))
      }
    }
  }

  // MARK: Claim

  private func claim(_ inventory: MachineInventory) async throws {
    feed.note(.claim, "claiming")
    var patience = Patience(pause: pause)
    while true {
      do {
        let claim = try await link.claim(
          bootNonce: overlay.bootNonce, recipient: keys.identity.recipient, inventory: inventory)
        log.setTitle("\(claim.machineName ?? overlay.machineName ?? "no name") \(claim.code)")
        log.say("machine \(claim.machineName ?? overlay.machineName ?? "without a name")")
        log.say("code    \(claim.code)")
        log.say("compare the code with the one that the appliance shows")
        return
      } catch {
        log.say("claim: \(error)")
        try await patience.wait()
      }
    }
  }

  private static func describe(_ inventory: MachineInventory) -> String {
    let disks = inventory.disks.disks.map(\.summary).joined(separator: "; ")
    return
      "\(inventory.firmware.kind.rawValue), \(inventory.memoryBytes >> 20) MiB, disks: \(disks.isEmpty ? "none" : disks)"
  }

  /// Tells the appliance when the machine is not what it was: a disk was plugged in, or emptied by hand.
  private func refresh(_ inventory: inout MachineInventory) async throws {
    let now = readInventory()
    guard now != inventory else { return }
    do {
      try await link.post(AgentPath.inventory, now)
      inventory = now
      log.say("this machine changed: \(Installer.describe(now))")
    } catch {
      log.say("\(error)")
    }
  }

  // MARK: Telling the appliance

  /// Sends a message until it is accepted. A refusal that can not pass ends it.
  func deliver(_ path: String, _ message: some Encodable & Sendable) async throws {
    var patience = Patience(pause: pause)
    while true {
      do {
        try await link.post(path, message)
        return
      } catch .refused(let refusal) where refusal.code == .unknownSession {
        log.say("the appliance does not know this session any more; claiming again")
        try await claim(readInventory())
      } catch .refused(let refusal) where refusal.code == .replayed {
        try await patience.wait()
      } catch {
        log.say("\(error)")
        guard error.isPassing else { throw error }
        try await patience.wait()
      }
    }
  }
}
