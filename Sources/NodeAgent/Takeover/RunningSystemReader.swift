import AgentProtocol
import Glibc
import NodeFiles

/// Names what runs on a machine, so that consent to end it means something. Reads procfs and sysfs only.
struct RunningSystemReader {
  let root: FileSystemEntry

  func read(warnings: [String]) -> RunningSystem {
    RunningSystem(
      name: osRelease ?? "an unknown Linux", kernel: root.appending("proc/sys/kernel/osrelease").line ?? "",
      hostName: root.appending("proc/sys/kernel/hostname").line ?? "", mounts: mounts(), volumes: volumes(),
      services: services(), warnings: warnings)
  }

  private var osRelease: String? {
    for path in ["etc/os-release", "usr/lib/os-release"] {
      for line in root.appending(path).text()?.split(separator: "\n") ?? [] where line.hasPrefix("PRETTY_NAME=") {
        return String(line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" && $0 != "'" })
      }
    }
    return nil
  }

  // MARK: File systems

  private static let network = ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs"]

  /// File systems on disks and on servers, each device once.
  private func mounts() -> [RunningSystem.Mount] {
    var seen: Set<String> = []
    var mounts: [RunningSystem.Mount] = []
    for line in root.appending("proc/self/mountinfo").text(limit: 1 << 20)?.split(separator: "\n") ?? [] {
      // 36 35 98:0 /root /mount/point options … - type source superoptions (proc(5))
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 2, fields.count > 4 else { continue }
      let (type, source) = (String(fields[dash + 1]), String(fields[dash + 2]))
      let isDisk = source.hasPrefix("/dev/") || ["zfs", "btrfs", "bcachefs"].contains(type)
      guard isDisk && type != "devtmpfs" && type != "squashfs" || Self.network.contains(type),
        !source.hasPrefix("/dev/loop"), seen.insert(source).inserted
      else { continue }
      mounts.append(
        RunningSystem.Mount(
          path: Self.unescaped(fields[4]), source: source, type: type,
          disks: disks(below: root.appending("sys/dev/block/\(fields[2])"))))
    }
    return mounts
  }

  /// Spaces and the like stand as octal numbers: `\040`.
  private static func unescaped(_ text: Substring) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      if byte == UInt8(ascii: "\\"), rest.count >= 4,
        let value = UInt8(String(decoding: rest.dropFirst().prefix(3), as: UTF8.self), radix: 8)
      {
        result.append(value)
        rest = rest.dropFirst(4)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Serial numbers, or names, of the disks below a block device.
  private func disks(below device: FileSystemEntry, depth: Int = 0) -> [String] {
    guard depth < 8, let path = device.resolved else { return [] }
    let entry = FileSystemEntry(path)
    let slaves = entry.appending("slaves").children
    if !slaves.isEmpty {
      var found: [String] = []
      for slave in slaves {
        for disk in disks(below: entry.appending("slaves/\(slave)"), depth: depth + 1) where !found.contains(disk) {
          found.append(disk)
        }
      }
      return found
    }
    // A partition is a folder in its disk's.
    let disk =
      entry.appending("partition").exists ? FileSystemEntry(String(path.dropLast(entry.name.count + 1))) : entry
    return [disk.appending("serial").line ?? disk.appending("device/serial").line ?? disk.name]
  }

  private func volumes() -> [String] {
    let block = root.appending("sys/block")
    return block.children.compactMap { name in
      if name.hasPrefix("dm-") { return block.appending("\(name)/dm/name").line }
      return name.hasPrefix("md") && block.appending("\(name)/md").exists ? name : nil
    }
  }

  // MARK: Programs

  /// Who listens, by program, with its ports.
  private func services() -> [String] {
    var ports: [String: Int] = [:]
    for file in ["proc/net/tcp", "proc/net/tcp6"] {
      for line in root.appending(file).text(limit: 1 << 20)?.split(separator: "\n").dropFirst() ?? [] {
        // sl local_address rem_address st … inode at the tenth place; 0A is LISTEN.
        let fields = line.split(separator: " ")
        guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
          let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16)
        else { continue }
        ports[String(fields[9])] = port
      }
    }
    var programs: [String: Set<Int>] = [:]
    var found: Set<String> = []
    let proc = root.appending("proc")
    for process in proc.children where process.allSatisfy(\.isNumber) {
      guard let name = proc.appending("\(process)/comm").line else { continue }
      for descriptor in proc.appending("\(process)/fd").children {
        guard let target = proc.appending("\(process)/fd/\(descriptor)").linkTarget, target.hasPrefix("socket:[") else {
          continue
        }
        let inode = String(target.dropFirst("socket:[".count).dropLast())
        if let port = ports[inode] {
          programs[name, default: []].insert(port)
          found.insert(inode)
        }
      }
      if name.hasPrefix("qemu-system") || name.hasPrefix("containerd-shim") {
        programs[name, default: []].formUnion([])
      }
    }
    let unknown = Set(ports.filter { !found.contains($0.key) }.values)
    var lines = programs.sorted { $0.key < $1.key }.map { name, ports in
      ([name] + ports.sorted().map(String.init)).joined(separator: " ")
    }
    if !unknown.isEmpty { lines.append((["ports"] + unknown.sorted().map(String.init)).joined(separator: " ")) }
    return lines
  }
}
