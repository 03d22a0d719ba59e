import DiskLayout
import Testing

@Suite("Plans for random machines")
struct PlannerPropertyTests {
  static let runs: UInt64 = 2000

  @Test("Every plan keeps the rules: aligned, apart, within the disk, room for the metadata")
  func rules() {
    var plans = 0
    for seed in 0..<Self.runs {
      let machine = RandomMachine(seed: seed)
      guard case .success(let plan) = machine.plan() else { continue }
      plans += 1
      PlanRules.check(plan, poolPercent: machine.spec.poolPercent)
      if let asked = machine.spec.systemSize {
        #expect(plan.partition(.system)?.size == (asked >> 20) << 20, "\(machine)")
      } else if let cap = machine.spec.systemMaximum {
        #expect((plan.partition(.system)?.size ?? 0) <= cap, "\(machine)")
      } else if plan.disk.size >= 32 << 30 {
        #expect(plan.partition(.system)?.size == (max(plan.disk.size / 5, 20 << 30) >> 20) << 20, "\(machine)")
      }
      if !machine.spec.allowsOvercommit {
        #expect(plan.volumes.map(\.size).reduce(0, +) <= plan.pool.size, "\(machine)")
      }
    }
    #expect(plans > 150, "only \(plans) of the machines could be planned at all")
  }

  @Test("No plan touches a disk that must not be touched")
  func untouchable() {
    for seed in 0..<Self.runs {
      let machine = RandomMachine(seed: seed)
      guard case .success(let plan) = machine.plan(),
        let disk = machine.inventory.disks.first(where: { $0.id == plan.disk.id })
      else { continue }
      #expect(!disk.isReadOnly && !disk.isBootMedium && disk.users.isEmpty, "\(machine)")
      if machine.spec.systemDisk == .automatic { #expect(!disk.isRemovable && !disk.bus.isExternal, "\(machine)") }
      if !disk.contents.isBlank {
        #expect(machine.consent.wipe.contains(disk.consentName) && plan.situation == .consented, "\(machine)")
        #expect(!plan.destroys.isEmpty)
      }
    }
  }

  @Test("Every refusal has its reason in the machine")
  func reasons() {
    var seen: Set<String> = []
    for seed in 0..<Self.runs {
      let machine = RandomMachine(seed: seed)
      guard case .failure(let refusal) = machine.plan() else { continue }
      seen.insert(PlanRules.caseName(refusal))
      let disks = machine.inventory.disks
      switch refusal {
      case .noDisks: #expect(disks.isEmpty)
      case .noneEligible(let verdicts): #expect(verdicts.count == disks.count)
      case .ambiguous(let names): #expect(names.count > 1 && machine.spec.systemDisk == .automatic)
      case .notFound(_, let present): #expect(present.count == disks.count)
      case .nameNotUnique(_, let matches): #expect(matches.count > 1)
      case .forbidden, .inUse, .foreignContent:
        #expect(
          disks.contains {
            $0.isReadOnly || $0.isBootMedium || $0.size == 0 || !$0.users.isEmpty || !$0.contents.isBlank
          })
      case .tooSmall(_, let size, let needed): #expect(size < needed + (1 << 20) && needed < 14 << 30)
      case .systemTooSmall(let asked, let floor): #expect(asked < floor)
      case .systemTooLarge(_, let asked, let available): #expect(asked > available)
      case .volumesTooLarge(_, let asked, let pool): #expect(asked > pool)
      case .metadataTooLarge(_, let chunk, let needed, let limit):
        #expect(needed > limit && machine.spec.chunkSize == chunk)
      case .invalidSpec, .laidOutDifferently, .dataMissing, .groupNameTaken, .unusableGeometry, .otherMachinesDisk:
        Issue.record("\(refusal) for \(machine)")
      }
      #expect("\(refusal)".count > 40)
    }
    #expect(seen.count >= 10, "only \(seen)")
  }

  @Test("The same machine gets the same plan, and an install that was cut off gets it again")
  func again() {
    for seed in 0..<1000 as Range<UInt64> {
      var machine = RandomMachine(seed: seed)
      guard case .success(let plan) = machine.plan(),
        let index = machine.inventory.disks.firstIndex(where: { $0.id == plan.disk.id })
      else { continue }
      #expect(machine.plan() == .success(plan))
      machine.inventory.disks[index].contents = plan.resultingContents()
      machine.consent = .none
      guard case .success(let second) = machine.plan() else {
        Issue.record("\(machine) is refused the second time: \(machine.plan())")
        continue
      }
      #expect(second.situation == .own && second.destroys.isEmpty)
      #expect(second.partitions == plan.partitions && second.fileSystems == plan.fileSystems)
      #expect(second.pool == plan.pool && second.volumes == plan.volumes)
    }
  }
}

extension LayoutPlan {
  /// What an agent reports once the plan is carried out.
  func resultingContents(
    of table: PlannedTable? = nil, group: String? = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
  ) -> DiskContents {
    DiskContents(
      table: PartitionTable(kind: "gpt", uuid: table?.uuid ?? tableUUID),
      partitions: (table?.partitions ?? partitions).map { partition in
        var found = FoundPartition(
          number: partition.number, start: partition.start, size: partition.size, type: partition.typeGUID,
          name: partition.name, uuid: partition.uuid)
        if let system = fileSystems.first(where: { $0.device == .partition(partition.role) }) {
          found.signatures = [Signature(type: system.type.rawValue, label: system.label, uuid: system.uuid)]
        }
        if partition.role == .data {
          let group = group.map { FoundVolumeGroup(name: volumeGroup.name, uuid: $0, tags: volumeGroup.tags) }
          found.signatures = [
            Signature(type: "LVM2_member", uuid: volumeGroup.physicalVolumeUUID, volumeGroup: group)
          ]
        }
        return found
      })
  }
}
