import AgentProtocol
import DiskLayout
import NodeFiles

/// Finds out why a machine can not be taken over by kexec.
struct TakeoverObstacles {
  let root: FileSystemEntry
  /// Bytes. A machine sold with 1 GiB shows a little less; the installer unpacks itself into half of that.
  static let leastMemory: UInt64 = 850 << 20

  func find(inventory: MachineInventory, userID: UInt32) -> [String] {
    var obstacles: [String] = []
    if userID != 0 {
      obstacles.append("this has to run as root: log in as root, or by a user whose sudo asks for nothing")
    }
    if let container {
      obstacles.append("this is a container (\(container)): its kernel belongs to its host; take the host over")
    }
    if inventory.processor.architecture != "x86_64" {
      obstacles.append("this machine is \(inventory.processor.architecture); there is an installer for x86_64 only")
    }
    if inventory.memoryBytes < Self.leastMemory {
      obstacles.append(
        "this machine has \(inventory.memoryBytes >> 20) MiB of memory; the installer needs a machine with 1 GiB")
    }
    let disabled = root.appending("proc/sys/kernel/kexec_load_disabled")
    if !disabled.exists, userID == 0 {
      obstacles.append("this kernel is built without kexec: boot the machine with its distribution's usual kernel")
    } else if disabled.number == 1 {
      obstacles.append(
        "kexec is switched off until the next restart (kernel.kexec_load_disabled = 1): remove that from /etc/sysctl.d and restart the machine"
      )
    }
    if lockdown == "confidentiality" {
      obstacles.append(
        "the kernel is locked down for confidentiality, which forbids kexec: start it without lockdown=confidentiality")
    }
    if inventory.disks.disks.isEmpty {
      obstacles.append("no disk was found: is this a machine with a disk controller that the running kernel knows?")
    }
    return obstacles
  }

  /// What may keep the take-over from working, and does no harm to try.
  func warnings(_ inventory: MachineInventory) -> [String] {
    var warnings: [String] = []
    if inventory.firmware.secureBoot == .enabled || lockdown == "integrity" {
      warnings.append(
        "Secure Boot or lockdown is on: only a kernel whose signature this machine trusts loads; Debian's does where Debian's own keys are known"
      )
    }
    if root.appending("sys/kernel/kexec_loaded").number == 1 {
      warnings.append("another kernel is loaded for kexec already; it is replaced")
    }
    return warnings
  }

  /// `none [integrity] confidentiality`: the word in brackets holds.
  private var lockdown: String? {
    root.appending("sys/kernel/security/lockdown").line?.split(separator: " ").first { $0.hasPrefix("[") }
      .map { String($0.dropFirst().dropLast()) }
  }

  private var container: String? {
    if let name = root.appending("run/systemd/container").line { return name }
    if root.appending(".dockerenv").exists { return "docker" }
    if root.appending("run/.containerenv").exists { return "podman" }
    if root.appending("proc/vz").exists, !root.appending("proc/bc").exists { return "openvz" }
    let environment = root.appending("proc/1/environ").bytes(limit: 1 << 16) ?? []
    for entry in environment.split(separator: 0) where entry.starts(with: "container=".utf8) {
      return String(decoding: entry.dropFirst("container=".utf8.count), as: UTF8.self)
    }
    // A user namespace maps less than all users.
    if let map = root.appending("proc/self/uid_map").line {
      let fields = map.split(whereSeparator: \.isWhitespace)
      if fields != ["0", "0", "4294967295"] { return "user namespace" }
    }
    return nil
  }
}
