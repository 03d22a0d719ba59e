import Foundation
import Lab
import Testing

/// What a running node has on its disks, as its own tools tell it.
///
/// The node prints it by ``script``, which QEMU hands it before it reports. The test compares it with what Nix makes of
/// the node's `machine.json`, by the function that the NixOS modules use too (`templates/lib/declared-disks.nix`).
struct DiskTruth {
  struct Mount: Decodable {
    var target: String
    var source: String
    var fstype: String
    var options: String
    var number: String

    enum CodingKeys: String, CodingKey {
      case target, source, fstype, options
      case number = "maj:min"
    }
  }

  struct Device: Decodable {
    var device: String
    var number: String
    var size: UInt64

    enum CodingKeys: String, CodingKey {
      case device, size
      case number = "maj:min"
    }
  }

  struct Volume: Decodable {
    var name: String
    var group: String
    var size: String
    var pool: String
    var type: String

    enum CodingKeys: String, CodingKey {
      case name = "lv_name"
      case group = "vg_name"
      case size = "lv_size"
      case pool = "pool_lv"
      case type = "segtype"
    }
  }

  /// The node's `machine.json`, as it lies there.
  var machine: Data
  var mounts: [Mount]
  var devices: [Device]
  var volumes: [Volume]

  private static let mark = "disk truth: "

  /// Run on the node, before it reports.
  private static let script = """
    set -e
    machine=/var/lib/bootstead/machine.json
    # The lab's node has no udev rules of the device mapper that LVM could wait for.
    config='activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }'
    say() { printf '\\n\(mark)%s %s\\n' "$1" "$(jq -c .)"; }
    say machine <$machine
    findmnt --json --list --real --output TARGET,SOURCE,FSTYPE,OPTIONS,MAJ:MIN | jq .filesystems | say mounts
    jq -r '.fileSystems[].device' $machine | while read -r device; do
    	lsblk --json --bytes --nodeps --output MAJ:MIN,SIZE "$device" | jq --arg device "$device" '.blockdevices[0] + {$device}'
    done | jq -s . | say devices
    lvs --config "$config" --all --reportformat json --units b --nosuffix -o lv_name,vg_name,lv_size,pool_lv,segtype |
    	jq '.report[0].lv' | say volumes

    """

  /// QEMU's arguments that hand the node the script, which is laid into `folder`.
  static func arguments(folder: String) throws -> [String] {
    let path = folder + "/disk-truth.sh"
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    return ["-fw_cfg", "name=opt/bootstead/script,file=\(path)"]
  }

  /// - Parameter console: of a node that has run the script.
  init(console: String) throws {
    func part(_ name: String) throws -> Data {
      let lines = console.split(whereSeparator: \.isNewline)
      let line = try #require(lines.last { $0.hasPrefix(Self.mark + name + " ") }, "the node did not print its \(name)")
      return Data(line.dropFirst((Self.mark + name + " ").count).utf8)
    }
    machine = try part("machine")
    mounts = try JSONDecoder().decode([Mount].self, from: part("mounts"))
    devices = try JSONDecoder().decode([Device].self, from: part("devices"))
    volumes = try JSONDecoder().decode([Volume].self, from: part("volumes"))
  }
}
