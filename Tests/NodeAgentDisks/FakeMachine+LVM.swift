import DiskLayout
import Foundation
import NodeAgent
import NodeFiles

/// LVM and device mapper.
extension FakeMachine {
  static func lvm(_ arguments: [String], _ state: inout State) -> String? {
    let data = value(arguments, "--devices")
    guard let last = arguments.last, state.node(of: data) != nil else { return nil }
    switch arguments.first {
    case "pvcreate":
      return withPartition(data, &state) {
        $0.signatures = [Signature(type: "LVM2_member", uuid: value(arguments, "--uuid"))]
      }
    case "vgcreate":
      state.group = Group(name: arguments[arguments.count - 2], tags: Set(values(arguments, "--addtag")))
    case "vgchange":
      guard state.group != nil else { return nil }
      state.group?.tags.formUnion(values(arguments, "--addtag"))
      state.group?.tags.subtract(values(arguments, "--deltag"))
      if value(arguments, "--activate") == "n" { state.active = [] }
    case "lvcreate":
      let name = value(arguments, "--name")
      guard state.group?.volumes[name] == nil, let group = state.group?.name else { return nil }
      let type = value(arguments, "--type")
      let pool = type == "thin" ? value(arguments, "--thinpool") : ""
      guard type == "thin-pool" || state.group?.volumes[pool]?.segmentType == "thin-pool" else { return nil }
      state.group?.volumes[name] = Volume(segmentType: type, pool: pool)
      state.active.insert("/dev/\(group)/\(name)")
    case "lvremove": state.group?.volumes[FileSystemEntry(last).name] = nil
    case "lvchange":
      let name = FileSystemEntry(last).name
      if ["pool_tmeta", "pool_tdata"].contains(name) {
        guard state.group?.volumes["pool"] != nil, state.active.isEmpty, arguments.contains("--yes") else { return nil }
        if value(arguments, "--activate") == "y" {
          state.mapped.insert("data-" + name)
        } else {
          state.mapped.remove("data-" + name)
        }
        return ""
      }
      // LVM activates no volume of a pool whose parts are active by themselves.
      guard state.group?.volumes[name] != nil, state.mapped.isEmpty else { return nil }
      if value(arguments, "--activate") == "y" { state.active.insert("/dev/" + last) }
      state.group?.volumes[name]?.tags.formUnion(values(arguments, "--addtag"))
    case "vgcfgbackup":
      guard let group = state.group else { return nil }
      let text = "# \(group.name) \(Group.uuid)\n"
      return (try? Data(text.utf8).write(to: URL(fileURLWithPath: value(arguments, "--file")))) == nil ? nil : ""
    case "lvconvert":
      guard arguments.contains("--repair"), state.mapped.isEmpty else { return nil }
      state.poolDamage = []
      state.group?.volumes["pool_meta0"] = Volume(segmentType: "striped")
    default: return nil
    }
    return ""
  }

  static func deviceMapper(_ arguments: [String], _ state: inout State) -> String? {
    switch arguments.first {
    case "info": return state.mapped.isEmpty ? "No devices found\n" : state.mapped.sorted().joined(separator: "\n")
    case "status": return state.poolStatus
    case "create":
      // Anything but a read-only pool and its volumes would write to the metadata.
      let table = value(arguments, "--table")
      let isPool = table.hasSuffix(" read_only") && state.mapped.isSuperset(of: ["data-pool_tmeta", "data-pool_tdata"])
      let isVolume =
        table.contains(" thin /dev/mapper/bootstead-read-pool ") && state.mapped.contains("bootstead-read-pool")
      guard isPool != isVolume, isVolume == arguments.contains("--readonly") else { return nil }
      guard !state.lostVolumes.contains(where: { table.hasSuffix(" " + $0) }) else { return nil }
      state.mapped.insert(arguments[1])
    case "remove": return state.mapped.remove(arguments.last ?? "") == nil ? nil : ""
    default: return nil
    }
    return ""
  }
}
