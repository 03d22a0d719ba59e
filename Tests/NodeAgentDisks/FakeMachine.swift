import ProgramRunner
import DiskLayout
import Foundation
import NodeAgent
import Synchronization

/// A machine whose commands change a model of its disks, and which can lose power before, or right after, any of them.
final class FakeMachine: CommandRunner, DiskSource {
  struct State {
    var inventory: DiskInventory
    /// The kernel's view; lags behind the table until partx or sfdisk tells it.
    var nodes: [String: [Int: PartitionNode]] = [:]

    func node(of path: String) -> (disk: Int, number: Int)? {
      for (node, partitions) in nodes {
        guard let number = partitions.first(where: { $0.value.path == path })?.key,
          let disk = inventory.disks.firstIndex(where: { $0.node == node })
        else { continue }
        return (disk, number)
      }
      return nil
    }
    var group: Group?
    var mounts: [(source: String, target: String)] = []
    /// Signatures on logical volumes.
    var volumeSignatures: [String: Signature] = [:]
    var active: Set<String> = []
    var commands: [Command] = []
    /// Commands that may still run before power fails.
    var power = Int.max
    /// Device-mapper devices beside those of active volumes, by name.
    var mapped: Set<String> = []
    /// What thin_check finds; a repair takes it away.
    var poolDamage: [String] = []
    var poolStatus = "0 32768000 thin-pool 2 647/6144 1389/256000 - ro discard_passdown queue_if_no_space - 1024"
    /// Device numbers that the pool's metadata does not know.
    var lostVolumes: Set<String> = []
    var discards = true
    /// What fsck.vfat finds wrong, until the file system is made again.
    var isESPDamaged = false
    /// Physical volumes of the group beside the data partition.
    var otherMembers: [String] = []
  }

  struct Group {
    var name: String
    var tags: Set<String>
    var volumes: [String: Volume] = [:]
    static let uuid = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
  }

  struct Volume {
    var segmentType: String
    var pool = ""
    var tags: Set<String> = []
  }

  let state: Mutex<State>

  /// A folder for what the agent keeps while it works; it makes it, and it ends with the machine.
  let scratch = NSTemporaryDirectory() + "bootstead-machine-\(UUID().uuidString)"

  init(_ inventory: DiskInventory) { state = Mutex(State(inventory: inventory)) }

  deinit { try? FileManager.default.removeItem(atPath: scratch) }

  var commands: [Command] { state.withLock { $0.commands } }

  /// The next boot after a power cut: what was written stays, nothing is mounted or active.
  func restart(power: Int = .max) {
    state.withLock { state in
      state.power = power
      state.mounts = []
      state.active = []
      state.mapped = []
      Self.readTable(&state)
    }
  }

  // MARK: DiskSource

  func disks() -> DiskInventory {
    state.withLock { state in
      var inventory = state.inventory
      for disk in inventory.disks.indices {
        for index in inventory.disks[disk].contents.partitions.indices
        where inventory.disks[disk].contents.partitions[index].name == "bootstead-data"
          && !inventory.disks[disk].contents.partitions[index].signatures.isEmpty
        {
          inventory.disks[disk].contents.partitions[index].signatures[0].volumeGroup = state.group.map {
            FoundVolumeGroup(
              name: $0.name, uuid: Group.uuid, tags: $0.tags.sorted(), logicalVolumes: $0.volumes.keys.sorted())
          }
        }
      }
      return inventory
    }
  }

  func disks(withID id: String) -> [Disk] { disks().disks.filter { $0.id == id } }

  func partitionNodes(of disk: Disk) -> [Int: PartitionNode] {
    state.withLock { $0.nodes[disk.node] ?? [:] }
  }

  func deviceNumber(of path: String) -> UInt64? {
    state.withLock { state in
      if let (disk, number) = state.node(of: path) { return UInt64(disk * 100 + number) }
      return state.active.contains(path) ? UInt64(path.utf8.reduce(1000) { $0 * 31 % 100_003 + Int($1) }) : nil
    }
  }

  func signatures(ofDevice path: String) -> [Signature]? {
    state.withLock { state in
      state.active.contains(path) ? state.volumeSignatures[path].map { [$0] } ?? [] : nil
    }
  }

  func volumeGroup(ofDevice path: String) -> VolumeGroupRecord? {
    state.withLock { state in
      guard state.node(of: path) != nil, let group = state.group else { return nil }
      let members = state.inventory.disks.flatMap(\.contents.partitions).flatMap(\.signatures)
      return VolumeGroupRecord(
        name: group.name, uuid: Group.uuid, tags: group.tags.sorted(),
        volumes: group.volumes.sorted { $0.key < $1.key }.map { name, volume in
          var record = LogicalVolumeRecord(
            name: name, segmentType: volume.segmentType, pool: volume.pool, tags: volume.tags.sorted(), isVisible: true,
            uuid: "uuid-of-\(name)", extents: 1000)
          if volume.segmentType == "thin" { record.deviceNumber = UInt64(name.utf8.count) }
          if volume.segmentType == "thin-pool" { record.chunkSize = 65536 }
          return record
        }, physicalVolumes: members.filter { $0.type == "LVM2_member" }.compactMap(\.uuid) + state.otherMembers,
        extentSize: 4 << 20)
    }
  }

  func mounts() -> MountTable {
    MountTable(text: state.withLock { $0.mounts.map { "\($0.source) \($0.target) x rw 0 0" }.joined(separator: "\n") })
  }

  // MARK: CommandRunner

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    let result: Result<CommandOutput, CommandFailure> = state.withLock { state in
      guard state.power > 0 else {
        return .failure(CommandFailure(command: "\(command)", ending: .failed("no power")))
      }
      state.power -= 1
      state.commands.append(command)
      if command.program == "thin_check", !state.poolDamage.isEmpty {
        return .failure(CommandFailure(command: "\(command)", ending: .exited(1), lastLines: state.poolDamage))
      }
      guard let output = Self.apply(command, &state) else {
        return .failure(CommandFailure(command: "\(command)", ending: .exited(5), lastLines: ["not possible now"]))
      }
      // Power fails after the command's effect, before its end is seen.
      if state.power == 0 { return .failure(CommandFailure(command: "\(command)", ending: .failed("no power"))) }
      return .success(CommandOutput(standardOutput: output))
    }
    return try result.get()
  }

  private static func apply(_ command: Command, _ state: inout State) -> String? {
    let arguments = command.arguments
    switch command.program {
    case "sfdisk": return arguments.first == "--dump" ? "label: gpt\n" : partition(command, &state)
    case "dmsetup": return deviceMapper(arguments, &state)
    case "wipefs": return wipe(arguments.last ?? "", &state)
    case "partx":
      readTable(&state)
      return ""
    case "fsck.vfat": return state.isESPDamaged ? nil : ""
    case "mkfs.vfat":
      state.isESPDamaged = false
      return format("vfat", uuid: vfatID(arguments), &state, arguments.last ?? "")
    case "mkfs.ext4": return format("ext4", uuid: value(arguments, "-U"), &state, arguments.last ?? "")
    case "mkfs.xfs":
      return format("xfs", uuid: String(value(arguments, "-m").dropFirst("uuid=".count)), &state, arguments.last ?? "")
    case "mount":
      let source = arguments[arguments.count - 2]
      state.mounts.append((source, arguments[arguments.count - 1]))
      return ""
    case "umount":
      let target = arguments.last ?? ""
      state.mounts.removeAll { $0.target == target || $0.target.hasPrefix(target + "/") }
      return ""
    case "lvm": return lvm(arguments, &state)
    case "thin_check": return state.mapped.contains("data-pool_tmeta") ? "" : nil
    case "blkdiscard": return state.discards ? "" : nil
    case "udevadm", "blockdev", "mkdir", "sync", "dd": return ""
    default: return nil
    }
  }

  private static func partition(_ command: Command, _ state: inout State) -> String? {
    guard let disk = state.inventory.disks.firstIndex(where: { $0.node == command.arguments.last }),
      let script = command.input
    else { return nil }
    var contents = DiskContents(table: PartitionTable(kind: "gpt"))
    for line in script.split(separator: "\n") {
      if line.hasPrefix("label-id: ") { contents.table?.uuid = line.dropFirst(10).lowercased() }
      let halves = line.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " } }
      guard halves.count == 2, halves[1].hasPrefix("start=") else { continue }
      var fields: [String: String] = [:]
      for field in halves[1].split(separator: ", ") {
        let pair = field.split(separator: "=", maxSplits: 1)
        fields[String(pair[0])] = String(pair[1])
      }
      guard let number = Int(halves[0].filter { $0 != " " }), let start = fields["start"].flatMap({ UInt64($0) }),
        let size = fields["size"].flatMap({ UInt64($0) })
      else { return nil }
      let sector = state.inventory.disks[disk].logicalSectorSize
      contents.partitions.append(
        FoundPartition(
          number: number, start: start * sector, size: size * sector, type: fields["type"]?.lowercased() ?? "",
          name: fields["name"].map { $0.filter { $0 != "\"" } }, uuid: fields["uuid"]?.lowercased()))
    }
    state.inventory.disks[disk].contents = contents
    return ""
  }

  private static func readTable(_ state: inout State) {
    state.nodes = [:]
    for disk in state.inventory.disks {
      for partition in disk.contents.partitions {
        state.nodes[disk.node, default: [:]][partition.number] = PartitionNode(
          path: "\(disk.node)\(partition.number)", start: partition.start, size: partition.size)
      }
    }
  }

  private static func wipe(_ node: String, _ state: inout State) -> String? {
    if let disk = state.inventory.disks.firstIndex(where: { $0.node == node }) {
      state.inventory.disks[disk].contents = DiskContents()
      state.nodes[node] = nil
      return ""
    }
    return withPartition(node, &state) { $0.signatures = [] }
  }

  private static func format(_ type: String, uuid: String, _ state: inout State, _ node: String) -> String? {
    let signature = Signature(type: type, uuid: uuid)
    if state.active.contains(node) {
      state.volumeSignatures[node] = signature
      return ""
    }
    return withPartition(node, &state) { $0.signatures = [signature] }
  }

  static func withPartition(
    _ node: String, _ state: inout State, _ change: (inout FoundPartition) -> Void
  ) -> String? {
    guard let (disk, number) = state.node(of: node),
      let index = state.inventory.disks[disk].contents.partitions.firstIndex(where: { $0.number == number })
    else { return nil }
    change(&state.inventory.disks[disk].contents.partitions[index])
    return ""
  }

  static func value(_ arguments: [String], _ option: String) -> String {
    guard let index = arguments.firstIndex(of: option), index + 1 < arguments.count else { return "" }
    return arguments[index + 1]
  }

  static func values(_ arguments: [String], _ option: String) -> [String] {
    arguments.indices.filter { arguments[$0] == option && $0 + 1 < arguments.count }.map { arguments[$0 + 1] }
  }

  private static func vfatID(_ arguments: [String]) -> String {
    let id = value(arguments, "-i")
    return id.prefix(4) + "-" + id.suffix(4)
  }
}
