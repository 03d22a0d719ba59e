import Foundation

/// A bare machine in QEMU, without hardware acceleration: firmware, kernel and disks behave the same on every host.
///
/// It boots from the network first and from its disks after that, as a machine does whose firmware was set up for it.
public final class LabMachine: Sendable {
  public enum Firmware: String, Sendable {
    case bios
    /// PXE by the firmware itself.
    case uefi
    /// HTTP boot by the firmware itself; PXE is switched off.
    case uefiHTTP
  }

  public struct Configuration: Sendable {
    public var name: String
    public var firmware: Firmware
    public var mac: String
    public var disks: [LabDisk]
    public var memoryMiB = 1024
    /// `e1000` or `virtio-net-pci`
    public var interfaceModel = "virtio-net-pci"
    public var uuid: String?
    /// What the machine boots from instead of the network, which its firmware then knows nothing of.
    public var medium: LabMedium?
    /// Between the machine and the network, for faults; without one it is plugged in directly.
    public var cable: LabCable?
    /// False for a machine whose firmware knows its disks only, as a rented server's.
    public var bootsFromNetwork = true
    /// Further arguments of QEMU.
    public var arguments: [String] = []

    public init(name: String, firmware: Firmware, mac: String, disks: [LabDisk]) {
      self.name = name
      self.firmware = firmware
      self.mac = mac
      self.disks = disks
    }
  }

  public let configuration: Configuration
  /// The serial port since this start.
  public let console: SerialConsole
  private let process: LabProcess
  private let network: LabNetwork
  private let tap: String

  private init(
    configuration: Configuration, console: SerialConsole, process: LabProcess, network: LabNetwork, tap: String
  ) {
    self.configuration = configuration
    self.console = console
    self.process = process
    self.network = network
    self.tap = tap
  }

  /// Switches the machine on. Its files go into `folder`.
  ///
  /// The firmware's variables are kept in `folder` from one start to the next, and fresh for a new folder: boot entries
  /// of another machine in them make OVMF skip the network.
  public static func start(_ configuration: Configuration, network: LabNetwork, folder: String) async throws
    -> LabMachine
  {
    let files = FileManager.default
    let base = "\(folder)/\(configuration.name)"
    let number = UInt32.random(in: 0...0xFFFFFF)
    let tap = "tap\(String(number, radix: 16))"
    let console = SerialConsole(path: base + ".console")
    if files.fileExists(atPath: console.path) { try files.removeItem(atPath: console.path) }

    var arguments = [
      "-name", configuration.name, "-nodefaults", "-display", "none", "-vga", "std", "-machine", "pc,graphics=off",
      // Like any machine of the last ten years it has a source of randomness.
      "-accel", "tcg,thread=multi", "-cpu", "qemu64,+rdrand", "-smp", "2", "-m", "\(configuration.memoryMiB)",
      "-chardev", "file,id=serial,path=\(console.path)", "-serial", "chardev:serial",
      // Behind a cable each frame has to be one that Ethernet could carry: no offloads.
      "-netdev",
      "tap,id=net0,ifname=\(tap),script=no,downscript=no\(configuration.cable == nil ? "" : ",vnet_hdr=off")",
    ]
    if let cable = configuration.cable { arguments += cable.arguments(netdev: "net0") }
    if let uuid = configuration.uuid { arguments += ["-uuid", uuid] }
    var interface = "\(configuration.interfaceModel),netdev=net0,mac=\(configuration.mac)"
    // SeaBIOS is told the order by QEMU at each start. OVMF keeps its own in its variables, as real firmware does, where
    // the agent's entry for the disk belongs; told by QEMU, it would try every kind of network boot first, each time.
    let isOrdered = configuration.firmware == .bios
    if let medium = configuration.medium {
      arguments += medium.arguments(isOrdered: isOrdered)
      if isOrdered { interface += ",romfile=" }
    } else if !configuration.bootsFromNetwork {
      interface += ",romfile="
    } else if isOrdered {
      interface += ",bootindex=1"
    }
    if configuration.firmware != .bios {
      let variables = base + ".vars"
      let (code, template) = ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd")
      for path in [code, template] where !files.fileExists(atPath: path) {
        throw LabError.missing(path: path, advice: "apt-get install ovmf")
      }
      if !files.fileExists(atPath: variables) { try files.copyItem(atPath: template, toPath: variables) }
      arguments += [
        "-drive", "if=pflash,format=raw,readonly=on,file=\(code)", "-drive", "if=pflash,format=raw,file=\(variables)",
      ]
      // Without an option ROM the firmware's own network boot runs.
      interface += ",romfile="
      if configuration.firmware == .uefiHTTP {
        for name in ["IPv4PXESupport", "IPv6Support"] {
          arguments += ["-fw_cfg", "name=opt/org.tianocore/\(name),string=n"]
        }
      }
    }
    arguments += ["-device", interface]
    for (number, disk) in configuration.disks.enumerated() { arguments += disk.arguments(number, isOrdered: isOrdered) }
    arguments += configuration.arguments

    try await network.addTap(tap)
    do {
      let process = try await LabProcess.start(
        "ip", ["netns", "exec", network.applianceNamespace, "qemu-system-x86_64"] + arguments,
        logPath: base + ".qemu.log")
      return LabMachine(configuration: configuration, console: console, process: process, network: network, tap: tap)
    } catch {
      await network.removeTap(tap)
      throw error
    }
  }

  /// Waits until `text` is on the console.
  /// - Throws: ``LabError`` once `seconds` have passed or QEMU has ended.
  public func wait(for text: String, seconds: Int) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while !console.text.contains(text) {
      try process.mustRun()
      guard clock.now < end else {
        throw LabError.notSeen(
          what: "'\(text)' on the console of \(configuration.name)", seconds: seconds, tail: console.tail())
      }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Throws where QEMU has ended.
  public func mustRun() throws { try process.mustRun() }

  /// Ends the machine; also cuts its power where that was not done.
  public func powerOff() async {
    await process.stop()
    await network.removeTap(tap)
  }

  /// Cuts the power between two instructions (`SIGKILL`): what is in the machine's memory is lost, and what is in the
  /// caches of disks that have one. Returns once the machine is off.
  public func cutPower() async throws {
    await process.stop(signal: SIGKILL)
    for disk in configuration.disks { try disk.server?.cutPower() }
  }
}
