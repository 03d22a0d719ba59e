import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("A node at work") struct LostDataDiskTests {
    @Test(
      "stacks in a real container engine are backed up while they write, lose their disk, and come back with one command",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func life() async throws {
      let image = LabSetting.folder + "/engine.img"
      try await LabTool.run(LabSetting.source + "/Tests/Lab/node-work/engine-disk", [image, LabSetting.binaries])
      try await LabSetting.lab("node-life", serve: ["--templates", LabSetting.source + "/templates"]) { lab in
        var node = try await WorkingNode(lab, engine: image)
        try await node.install()
        try await node.backUp()
        try await node.loseDataDisk()
        try await node.rebuild()
      }
    }
  }
}

/// A machine with a system disk, a data disk, and two that nothing installs to: one with the container engine, and one
/// with the repositories.
private struct WorkingNode {
  static let files = LabSetting.source + "/Tests/Lab/node-work"
  static let stacks = ["caddy-hub", "ledger", "pages", "shelf"]

  let lab: Lab
  private var configuration: LabMachine.Configuration

  init(_ lab: Lab, engine: String) async throws {
    self.lab = lab
    let copies = try await LabDisk.make(path: lab.folder + "/copies.raw", serial: "COPIES", gibibytes: 4, format: .raw)
    try await LabTool.run("mke2fs", ["-q", "-t", "ext4", "-L", "copies", copies.path])
    configuration = LabMachine.Configuration(
      name: "node1", firmware: .bios, mac: "52:54:00:12:34:56",
      disks: [
        try await LabDisk.make(path: lab.folder + "/SYSTEM1.raw", serial: "SYSTEM1", gibibytes: 14, format: .raw),
        try await LabDisk.make(path: lab.folder + "/DATA1.raw", serial: "DATA1", gibibytes: 16, format: .raw),
        LabDisk(path: engine, serial: "ENGINE", format: .raw), copies,
      ])
    // Container images, a database and a copy program beside each other.
    configuration.memoryMiB = 3072
  }

  /// As its owner declares it, with its secrets, and up to its node's first report.
  mutating func install() async throws {
    let fleet = lab.folder + "/fleet"
    try FileManager.default.createDirectory(atPath: fleet + "/machines", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Self.files + "/node1.json", toPath: fleet + "/machines/node1.json")
    try FileManager.default.copyItem(
      atPath: LabSetting.source + "/Tests/ContainerEngine/stacks", toPath: fleet + "/stacks")
    try await lab.appliance.run("apply", "-f", fleet, "--yes")
    try await lab.appliance.run("machine", "set", "node1", "--closure", lab.closure)
    for name in ["ledger-password", "pages-token"] + Self.stacks.map({ "borg-" + $0 }) {
      try await LabTool.run(
        "sh",
        [
          "-c", #"printf 'the value of %s\n' "$1" | "$0" machine secret node1 "$1" --first-use --socket "$2""#,
          LabSetting.binary, name, lab.appliance.socket,
        ])
    }
    try await lab.boot(configuration) { [lab] machine in
      try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
      try await machine.wait(for: "node: reported", seconds: 300)
    }
    // What the appliance has compiled for the machine lies on it from now on.
    try await lab.appliance.run("machine", "flake", "node1", "-o", lab.folder + "/flake")
    for (name, file) in [
      ("script", Self.files + "/life.sh"), ("stacks", lab.folder + "/flake/stacks/node1.json"),
      ("backup", Self.files + "/backup.json"), ("secrets", Self.files + "/secrets.json"),
    ] {
      configuration.arguments += ["-fw_cfg", "name=opt/bootstead/\(name),file=\(file)"]
    }
  }

  /// By the appliance, while a writer runs.
  func backUp() async throws {
    let console = try await lab.boot(configuration) { machine in
      try await machine.wait(for: "node: reported", seconds: 2400)
      let console = machine.console.text
      guard console.contains("life: the stacks run") else { return console }
      let answer = try await lab.appliance.run("backup", "run", "node1", "borg-per-service")
      let task = try JSONDecoder().decode(Task.self, from: answer)
      #expect(task.state == "succeeded" && task.output.map(\.stack) == Self.stacks)
      for result in task.output {
        #expect(result.outcome == "succeeded", "\(result)")
        print("backup of \(result.stack): services stood still for \(result.downtimeSeconds ?? 0) s")
      }
      return console
    }
    #expect(console.contains("life: killed and recovered") && console.contains("life: the stacks run"))
    try #require(!console.contains("life: FAILED"), "\(console.suffix(4000))")
  }

  mutating func loseDataDisk() async throws {
    configuration.disks[1] = try await LabDisk.make(
      path: lab.folder + "/DATA2.raw", serial: "DATA2", gibibytes: 16, format: .raw)
  }

  func rebuild() async throws {
    try await lab.appliance.run(
      "rebuild", "node1", "--replace-disk", "DATA1=DATA2", "--lose-data", "DATA1", "--restore", "latest", "--yes")
    let console = try await lab.boot(configuration) { machine in
      try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the rebuild") {
        ["installed", "active"].contains($0.state)
      }
      let status = try await lab.wait(for: "node1", of: machine, seconds: 3600, what: "the restore") {
        $0.restore?.isOpen == false || machine.console.text.contains("life: FAILED")
      }
      let restored = try #require(status.restore?.stacks, "\(machine.console.tail())")
      #expect(restored.map(\.stack) == Self.stacks)
      for stack in restored {
        #expect(stack.state == "restored" && stack.isVerified == true, "\(stack)")
      }
      try await machine.wait(for: "life: all is back", seconds: 300)
      return machine.console.text
    }
    #expect(!console.contains("life: FAILED"), "\(console.suffix(4000))")
  }

  private struct Task: Decodable {
    struct Result: Decodable {
      var stack: String
      var outcome: String
      var downtimeSeconds: Double?
    }

    var state: String
    var output: [Result]
  }
}
