import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("What is declared of disks is what a node has") struct DiskTruthTests {
    /// A machine, and how its disks are to be laid out.
    struct Layout: Sendable, CustomTestStringConvertible {
      var name: String
      var firmware: LabMachine.Firmware
      /// In GiB; the first one is to carry the system.
      var disks: [Int]
      var bus: LabDisk.Bus = .virtio
      /// In bytes, logical and physical.
      var blockSize = 512
      var options: [String]

      var testDescription: String { name }
    }

    static let layouts = [
      Layout(
        name: "small", firmware: .bios, disks: [16], bus: .sata,
        options: ["--volume", "appdata:1GiB:/srv/appdata"]),
      Layout(
        name: "blocks-of-4096", firmware: .uefi, disks: [40], blockSize: 4096,
        options: ["--volume", "appdata:2GiB:/srv/appdata", "--volume", "db:1GiB:/srv/db:xfs"]),
      Layout(
        name: "large", firmware: .uefi, disks: [300], bus: .nvme,
        options: [
          "--system-size", "24GiB", "--volume", "photos:120GiB:/srv/photos:xfs", "--volume", "db:4GiB:/srv/db",
        ]),
      Layout(
        name: "two-disks", firmware: .bios, disks: [12, 30],
        options: ["--data-disk", "serial:TRUTH1", "--volume", "appdata:8GiB:/srv/appdata"]),
      Layout(name: "no-volumes", firmware: .uefi, disks: [32], options: []),
    ]

    @Test(
      "mounts, volume group and pool of a running node are those that Nix evaluates from its machine.json",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"), arguments: layouts)
    func declaredIsThere(_ layout: Layout) async throws {
      try await LabSetting.lab("truth-\(layout.name)") { lab in
        var configuration = LabMachine.Configuration(
          name: "node1", firmware: layout.firmware, mac: "52:54:00:12:34:88", disks: [])
        for (number, gibibytes) in layout.disks.enumerated() {
          var disk = try await LabDisk.make(
            path: "\(lab.folder)/disk\(number).qcow2", serial: "TRUTH\(number)", gibibytes: gibibytes, bus: layout.bus)
          disk.blockSize = layout.blockSize
          configuration.disks.append(disk)
        }
        configuration.arguments = try DiskTruth.arguments(folder: lab.folder)
        try await lab.appliance.run(
          ["machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure] + layout.options)
        let console = try await lab.boot(configuration) { machine in
          try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
          try await machine.wait(for: "node: the script ended", seconds: 300)
          return machine.console.text
        }
        try await DeclaredDisks.mustBeTrue(on: DiskTruth(console: console), folder: lab.folder)
      }
    }
  }
}
