import Foundation
import Lab
import SeededNumbers
import Testing

extension RealMachines {
  @Suite("Power cuts") struct PowerCutTests {
    @Test("an install whose machine loses power and whose appliance is killed goes on where it was and ends active")
    func interruptedInstall() async throws {
      let seed = LabSetting.seed
      var generator = SeededGenerator(seed: seed)
      let interruptions: [Interruption] = [
        .random(.cutPower, in: .disks, using: &generator),
        .random(.killAppliance, in: .installer, using: &generator),
        .random(.killAppliance, in: .copy, fractions: 0.1...0.4, using: &generator),
        .random(.cutPower, in: .recordedCopy, using: &generator),
        .random(.killAppliance, in: .bootLoader, using: &generator),
      ]
      print("seed \(seed): \(interruptions.map(\.description).joined(separator: "; "))")
      let course = try await Self.install("power-cuts", seed: seed, interruptions)
      print(course)
      #expect(course.applied.count == interruptions.count)
      for console in course.consoles { #expect(!console.contains("FAILED")) }
      // The disks that the first boot began are not begun anew, and what had been copied is not copied again.
      let last = try #require(course.consoles.last)
      #expect(last.contains("was done already"))
      #expect(try #require(CopyProgress(last).firstRecorded) > 0)
      // An appliance that comes back finds the agent at the same copy.
      for console in course.consoles.suffix(2) { #expect(CopyProgress(console).starts == 1) }
    }

    @Test(
      "a rebuild whose machine loses power goes on where it was, ends active and keeps the data",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func interruptedRebuild() async throws {
      let seed = LabSetting.seed
      var generator = SeededGenerator(seed: seed)
      // One cut in a quick run; `make soak` has the others.
      let place = [Interruption.Place.disks, .copy, .bootLoader].randomElement(using: &generator) ?? .disks
      let interruptions = [Interruption.random(.cutPower, in: place, using: &generator)]
      print("seed \(seed): \(interruptions.map(\.description).joined(separator: "; "))")
      let (course, isDataEqual) = try await Self.rebuild("power-cuts-rebuild", seed: seed, interruptions)
      print(course)
      #expect(course.applied.count == interruptions.count)
      #expect(isDataEqual)
      for console in course.consoles { #expect(!console.contains("FAILED")) }
    }

    @Test(
      "an install whose disk stops to answer is restarted by its kernel, and ends active",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func stalledDisk() async throws {
      let interruption = Interruption(kind: .stallDisks, place: .disks, delay: 500)
      let course = try await Self.install("stalled-disk", seed: LabSetting.seed, [interruption])
      print(course)
      #expect(course.applied.count == 1)
      // The machine restarts by itself: nobody switches it off and on.
      #expect(course.consoles.count == 1)
      let console = try #require(course.consoles.first)
      #expect(console.components(separatedBy: "bootstead: micro-installer").count == 3)
      #expect(!console.contains("FAILED"))
    }

    @Test(
      "installs and rebuilds cut at random points all end active, with the data as it was",
      .enabled(if: LabSetting.soakRounds > 0, "make soak"), .timeLimit(.minutes(60 * 48)),
      arguments: LabSetting.soakKinds)
    func soak(kind: String) async throws {
      try #require(["install", "rebuild"].contains(kind), "SOAK_KINDS takes install and rebuild")
      let first = LabSetting.seed
      var table = SoakTable(title: kind)
      for round in 0..<LabSetting.soakRounds {
        let seed = first &+ UInt64(round)
        var generator = SeededGenerator(seed: seed)
        let interruptions = SoakTable.interruptions(using: &generator)
        do {
          if kind == "install" {
            let course = try await Self.install("soak-install", seed: seed, interruptions)
            table.add(round: round, seed: seed, course: course, isDataEqual: nil)
          } else {
            let (course, isDataEqual) = try await Self.rebuild("soak-rebuild", seed: seed, interruptions)
            table.add(round: round, seed: seed, course: course, isDataEqual: isDataEqual)
            #expect(isDataEqual, "round \(round + 1), BOOTSTEAD_SEED=\(seed)")
          }
        } catch {
          table.add(round: round, seed: seed, failure: "\(error)")
          Issue.record("\(kind), round \(round + 1), BOOTSTEAD_SEED=\(seed): \(error)")
        }
      }
      print(table.summary)
    }

    /// Installs an empty machine.
    static func install(
      _ name: String, seed: UInt64, _ interruptions: [Interruption]
    ) async throws -> InterruptedInstall.Course {
      try await LabSetting.lab(name) { lab in
        let disk = try await LabDisk.make(
          path: lab.folder + "/system.raw", serial: "SYSTEM1", gibibytes: 24, format: .raw)
        let configuration = LabMachine.Configuration(
          name: "node1", firmware: .bios, mac: "52:54:00:12:34:56", disks: [disk])
        try await lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure,
          "--volume", "appdata:4GiB:/srv/appdata")
        return try await InterruptedInstall(
          lab: lab, configuration: configuration, interruptions: interruptions, seed: seed
        ).run()
      }
    }

    /// Rebuilds a copy of the machine that was installed once.
    /// - Returns: what happened, and whether the data volume holds what it held before.
    static func rebuild(
      _ name: String, seed: UInt64, _ interruptions: [Interruption]
    ) async throws -> (InterruptedInstall.Course, isDataEqual: Bool) {
      try await InstalledMachine.with(name) { installed in
        try await installed.rebuild()
        let course = try await InterruptedInstall(
          lab: installed.lab, configuration: installed.configuration, interruptions: interruptions, seed: seed
        ).run()
        return (course, InstalledMachine.dataHash(on: course.consoles.last ?? "") == installed.dataHash)
      }
    }
  }
}
