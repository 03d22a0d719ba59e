import Foundation
import Lab
import SeededNumbers
import Testing

@Suite(
  "Power cuts", .serialized,
  .enabled(if: LabSetting.isPossible, "needs root, qemu-system-x86, ovmf and dnsmasq: see 'make test'"))
struct PowerCutTests {
  @Test("an install whose machine loses power and whose appliance is killed goes on where it was and ends active")
  func interruptedInstall() async throws {
    let seed = LabSetting.seed
    try await LabSetting.lab("power-cuts") { lab in
      var generator = SeededGenerator(seed: seed)
      let interruptions: [Interruption] = [
        .random(.cutPower, in: .disks, using: &generator),
        .random(.killAppliance, in: .installer, using: &generator),
        .random(.killAppliance, in: .copy, fractions: 0.1...0.4, using: &generator),
        .random(.cutPower, in: .copy, fractions: 0.7...0.8, using: &generator),
        .random(.killAppliance, in: .bootLoader, using: &generator),
      ]
      print("seed \(seed): \(interruptions.map(\.description).joined(separator: "; "))")
      let cable = try await LabCable.start(seed: seed)
      do {
        let course = try await Self.install(lab, cable, interruptions, copyRate: 2_000_000)
        await cable.stop()
        print("\(course.consoles.count) boots, \(course.seconds) s")
        #expect(course.applied.count == interruptions.count)
        for console in course.consoles { #expect(!console.contains("FAILED")) }
        // The disks that the first boot began are not begun anew, and what had been copied is not copied again.
        let last = try #require(course.consoles.last)
        #expect(last.contains("was done already"))
        #expect(try #require(CopyProgress(last).first) > 0)
        // An appliance that comes back finds the agent at the same copy.
        let middle = try #require(course.consoles.dropLast().last)
        #expect(CopyProgress(middle).starts == 1)
        #expect(CopyProgress(last).starts == 1)
      } catch {
        await cable.stop()
        throw error
      }
    }
  }

  @Test(
    "installs cut at random points all end active", .enabled(if: LabSetting.soakRounds > 0, "make soak"),
    .timeLimit(.minutes(60 * 24)))
  func soak() async throws {
    let first = LabSetting.seed
    var table = SoakTable()
    for round in 0..<LabSetting.soakRounds {
      let seed = first &+ UInt64(round)
      do {
        let course = try await LabSetting.lab("soak-install") { lab in
          var generator = SeededGenerator(seed: seed)
          let cable = try await LabCable.start(seed: seed)
          do {
            let course = try await Self.install(
              lab, cable, SoakTable.interruptions(using: &generator), copyRate: 2_000_000)
            await cable.stop()
            return course
          } catch {
            await cable.stop()
            throw error
          }
        }
        table.add(round: round, seed: seed, course: course, isDataEqual: nil)
      } catch {
        table.add(round: round, seed: seed, failure: "\(error)")
        Issue.record("round \(round + 1), BOOTSTEAD_SEED=\(seed): \(error)")
      }
    }
    print(table.summary)
  }

  /// Installs an empty machine.
  static func install(
    _ lab: Lab, _ cable: LabCable, _ interruptions: [Interruption], copyRate: Int
  ) async throws -> InterruptedInstall.Course {
    let disk = try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "SYSTEM1", gibibytes: 24)
    var configuration = LabMachine.Configuration(
      name: "node1", firmware: .bios, mac: "52:54:00:12:34:56", disks: [disk])
    configuration.cable = cable
    try await lab.appliance.run(
      "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure,
      "--volume", "appdata:4GiB:/srv/appdata")
    return try await InterruptedInstall(
      lab: lab, configuration: configuration, interruptions: interruptions, copyRate: copyRate
    ).run()
  }
}
