import DiskLayout
import Testing

@Suite("The layout's specification")
struct LayoutSpecTests {
  static let gibibyte: UInt64 = 1 << 30

  private func plan(_ spec: LayoutSpec, machine: String = "node1") throws -> LayoutPlan {
    try LayoutPlanner.plan(
      inventory: RecordedInventory.read("nvme-1tb-blank"), spec: spec,
      identity: LayoutIdentity(machineName: machine, machineID: "machine-1", installID: "install-1"))
  }

  @Test(
    "Names that LVM or the file system would not take are refused",
    arguments: [
      "", "-a", ".", "..", "a b", "a/b", "ä", "snapshot1", "pvmove0", "x_tdata", "pool",
      String(repeating: "a", count: 49),
    ])
  func names(_ name: String) throws {
    #expect(throws: LayoutRefusal.self) {
      try plan(LayoutSpec(volumes: [VolumeSpec(name: name, size: .bytes(Self.gibibyte), mountPoint: "/srv/a")]))
    }
  }

  @Test(
    "Mount points over the system, with tricks or doubled are refused",
    arguments: [
      "", "/", "srv", "/boot", "/boot/x", "/nix", "/nix/store", "/etc/nixos", "/srv/../etc", "/srv//a", "/srv/",
      "/srv/a b",
      "/srv/\n", "/srv/taken",
    ])
  func mountPoints(_ path: String) throws {
    #expect(throws: LayoutRefusal.self) {
      try plan(
        LayoutSpec(volumes: [
          VolumeSpec(name: "taken", size: .bytes(Self.gibibyte), mountPoint: "/srv/taken"),
          VolumeSpec(name: "other", size: .bytes(Self.gibibyte), mountPoint: path),
        ]))
    }
  }

  typealias Change = @Sendable (inout LayoutSpec) -> Void
  static let wrong: [(String, Change)] = [
    ("poolPercent", { $0.poolPercent = 100 }),
    ("poolPercent", { $0.poolPercent = 0 }),
    ("chunkSize", { $0.chunkSize = 65537 }),
    ("chunkSize", { $0.chunkSize = 2 << 30 }),
    ("layout", { $0.layout = "zfs" }),
    ("volumeGroup", { $0.volumeGroup = "a/b" }),
    ("systemFileSystem", { $0.systemFileSystem = .vfat }),
    ("volume “v”", { $0.volumes = [VolumeSpec(name: "v", size: .bytes(1), mountPoint: "/v")] }),
    ("volume “v”", { $0.volumes = [VolumeSpec(name: "v", size: .bytes(.max), mountPoint: "/v")] }),
    ("volume “v”", { $0.volumes = [VolumeSpec(name: "v", size: .poolPercent(101), mountPoint: "/v")] }),
  ]

  @Test("Values outside their range are refused with the field's name", arguments: wrong)
  func ranges(_ field: String, _ change: Change) throws {
    var spec = LayoutSpec()
    change(&spec)
    let refusal = #expect(throws: LayoutRefusal.self) { try plan(spec) }
    guard case .invalidSpec(field, _)? = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
  }

  @Test("A machine's name that is no tag is refused", arguments: ["", "a b", "a@b", "a,b", "a\nb"])
  func machineNames(_ name: String) throws {
    #expect(throws: LayoutRefusal.self) { try plan(LayoutSpec(), machine: name) }
  }

  @Test("The system's size can be set and capped, not below 8 GiB and not beyond the disk")
  func systemSize() throws {
    #expect(try plan(LayoutSpec(systemSize: 12 * Self.gibibyte)).partition(.system)?.size == 12 * Self.gibibyte)
    #expect(try plan(LayoutSpec(systemMaximum: 128 * Self.gibibyte)).partition(.system)?.size == 128 * Self.gibibyte)
    for (size, name) in [
      (Self.gibibyte, "systemTooSmall"), (2000 * Self.gibibyte, "systemTooLarge"), (UInt64.max, "systemTooLarge"),
    ] {
      let refusal = #expect(throws: LayoutRefusal.self) { try plan(LayoutSpec(systemSize: size)) }
      #expect(refusal.map(PlanRules.caseName) == name)
    }
  }

  @Test("Volumes are promised no more than the pool holds, unless overcommitment is allowed")
  func volumes() throws {
    var spec = LayoutSpec(volumes: [
      VolumeSpec(name: "a", size: .poolPercent(60), mountPoint: "/a", placementClass: "fast"),
      VolumeSpec(name: "b", size: .poolPercent(60), fileSystem: .xfs, mountPoint: "/b"),
    ])
    let refusal = #expect(throws: LayoutRefusal.self) { try plan(spec) }
    #expect(refusal.map(PlanRules.caseName) == "volumesTooLarge")
    spec.allowsOvercommit = true
    let overcommitted = try plan(spec)
    #expect(overcommitted.volumes.map(\.placementClass) == ["fast", nil])
    #expect(overcommitted.notes.contains { $0.contains("promise") })
    // One volume above the pool can never be filled.
    spec.volumes = [VolumeSpec(name: "a", size: .bytes(900 * Self.gibibyte), mountPoint: "/a")]
    #expect(throws: LayoutRefusal.self) { try plan(spec) }
  }

  @Test("A chunk too small for a large pool is refused with LVM's limit")
  func metadata() throws {
    let spec = LayoutSpec(systemSize: 20 * Self.gibibyte, chunkSize: 65536)
    let refusal = #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: RecordedInventory.read("sata-22tb-512e"), spec: spec, identity: .node1)
    }
    #expect("\(refusal.map(String.init(describing:)) ?? "")".contains("15.8 GiB"))
  }

  @Test(
    "Figures that no disk has are refused, not computed with",
    arguments: [
      (.max, 512), (.max, 4096), (1 << 62, 512), (1 << 40, 0), (1 << 40, .max), (1 << 40, 520), (1, 512),
      (100_000, 4096),
    ] as [(UInt64, UInt64)])
  func hostileFigures(_ size: UInt64, _ sector: UInt64) {
    let disk = Disk(id: "a", node: "/dev/a", size: size, logicalSectorSize: sector, bus: .sata)
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: DiskInventory(disks: [disk]), spec: LayoutSpec(), identity: .node1)
    }
  }
}
