import Netboot
import NetworkAddress
import Testing

/// What Debian 12's iPXE of 2019 has, as seen when it ran these scripts. It lacks `iflinkwait`, `ntp` and `params`.
private let commands: Set<String> = [
  "boot", "chain", "clear", "echo", "exit", "goto", "ifclose", "ifconf", "ifopen", "imgexec", "imgfetch", "imgfree",
  "inc", "initrd", "iseq",
  "isset", "kernel", "prompt", "sanboot", "set", "sleep",
]

private func sampleBoot(arguments: [KernelArgument] = []) throws -> InstallBoot {
  InstallBoot(
    appliance: try ApplianceURL("http://192.0.2.10:8080"), machine: try IPXEText("node1"),
    message: try IPXEText("approved, code 4711-22"), kernel: try URLPath("/boot/images/debian/kernel"),
    initrd: try URLPath("/boot/images/debian/initrd"), overlay: try URLPath("/boot/overlay/abc.cpio"),
    arguments: arguments)
}

private func everyScript() throws -> [IPXEScript] {
  let appliance = try ApplianceURL("http://192.0.2.10:8080")
  let name = try IPXEText("node1")
  return [
    try .boot(appliance: appliance), try .install(try sampleBoot()), try .rescue(try sampleBoot()),
    try .hold(appliance: appliance, machine: name, reason: name, advice: name),
  ] + (try LocalDiskMethod.allCases.map { try IPXEScript.localDisk(machine: name, method: $0) })
    + (try everyKit())
}

private func everyKit() throws -> [IPXEScript] {
  let appliance = try ApplianceURL("http://192.0.2.10:8080")
  let machine = try BootKitScript.Machine(
    name: try IPXEText("node1"),
    addresses: [try MACAddress("52:54:00:00:00:01"), try MACAddress("52:54:00:00:00:02")])
  let fixed = try FixedAddress(
    "192.0.2.5/28", gateway: try IPv4Address("192.0.2.1"),
    nameServers: [try IPv4Address("192.0.2.2"), try IPv4Address("192.0.2.3")])
  return try [
    BootKitScript(appliance: appliance), BootKitScript(appliance: appliance, machine: machine),
    BootKitScript(appliance: appliance, address: fixed),
    BootKitScript(appliance: appliance, machine: machine, address: fixed),
  ].flatMap { kit in try BootKitScript.Medium.allCases.map { try kit.text(for: $0) } }
}

/// Commands of a line, by words, as iPXE splits it.
private func words(_ line: Substring) -> [[Substring]] {
  line.split(separator: " ").split(whereSeparator: { $0 == "||" || $0 == "&&" }).map(Array.init)
}

@Suite("Scripts for iPXE")
struct IPXEScriptTests {
  @Test("every script begins as iPXE recognises it, and has no placeholder left")
  func wellFormed() throws {
    for script in try everyScript() {
      #expect(script.text.hasPrefix("#!ipxe\n"))
      #expect(script.text.hasSuffix("\n"))
      #expect(!script.text.contains("@"))
      #expect(script.text.utf8.allSatisfy { $0 == 10 || (0x20...0x7E).contains($0) })
    }
  }

  @Test("every command is one that iPXE of 2019 has")
  func knownCommands() throws {
    for script in try everyScript() {
      for line in script.text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix(":") {
        for command in words(line) {
          #expect(commands.contains(String(command.first ?? "")), "\(line)")
        }
      }
    }
  }

  @Test("every label that a script goes to is there once")
  func labels() throws {
    for script in try everyScript() {
      let lines = script.text.split(separator: "\n")
      let labels = lines.filter { $0.hasPrefix(":") }.map { $0.dropFirst() }
      #expect(Set(labels).count == labels.count)
      for command in lines.flatMap(words) where command.first == "goto" {
        #expect(labels.contains(command.last ?? ""), "\(command)")
      }
    }
  }

  @Test("a command that may fail never ends a script by itself")
  func failuresAreCaught() throws {
    let mayFail: Set<String> = [
      "ifclose", "ifconf", "ifopen", "imgfetch", "imgexec", "imgfree", "kernel", "initrd", "boot", "sanboot", "chain",
      "prompt", "isset",
      "iseq", "sleep",
    ]
    for script in try everyScript() {
      for line in script.text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix(":") {
        if words(line).contains(where: { mayFail.contains(String($0.first ?? "")) }) {
          #expect(line.contains("||"), "\(line)")
        }
      }
    }
  }

  @Test("the kernel's arguments are in order, on one line, and name both archives")
  func kernelLine() throws {
    let script = try IPXEScript.install(
      try sampleBoot(arguments: [try KernelArgument("console=tty0"), try KernelArgument("console=ttyS0,115200")]))
    let line = script.text.split(separator: "\n").first { $0.hasPrefix("kernel ") }
    #expect(
      line?.contains(
        "http://192.0.2.10:8080/boot/images/debian/kernel initrd=bs-overlay initrd=bs-image console=tty0 "
          + "console=ttyS0,115200 ${bs-arguments} BOOTIF=01-${netX/mac:hexhyp} ||") == true)
    #expect(!script.text.contains("mode=rescue"))
    #expect(try IPXEScript.rescue(try sampleBoot()).text.contains(" bootstead.mode=rescue "))
  }

  @Test("the overlay is loaded before the image, whose size may be odd")
  func order() throws {
    let script = try IPXEScript.install(try sampleBoot()).text
    let overlay = try #require(script.firstRange(of: "initrd --name bs-overlay"))
    let image = try #require(script.firstRange(of: "initrd --name bs-image"))
    #expect(overlay.lowerBound < image.lowerBound)
  }

  @Test("arguments that do not fit the kernel's line are refused")
  func tooManyArguments() throws {
    let argument = try KernelArgument(String(repeating: "x", count: 200))
    #expect(throws: IPXEValueError.tooManyArguments(length: 2009, limit: 1800)) {
      try IPXEScript.install(try sampleBoot(arguments: Array(repeating: argument, count: 10)))
    }
  }

  @Test("the first script sends what identifies the machine")
  func query() throws {
    let script = try IPXEScript.boot(appliance: try ApplianceURL("http://192.0.2.10:8080")).text
    for field in ["mac=${netX/mac:hexhyp}", "uuid=${uuid}", "product=${product:uristring}", "platform=${platform}"] {
      #expect(script.contains(field))
    }
  }

  @Test("the time between rounds is brought into its range")
  func holdTimes() throws {
    let name = try IPXEText("node1")
    let appliance = try ApplianceURL("http://192.0.2.10")
    let script = try IPXEScript.hold(
      appliance: appliance, machine: name, reason: name, advice: name, rounds: 0, secondsPerRound: 0)
    #expect(script.text.contains("--timeout 5000 "))
    #expect(script.text.contains("iseq ${bs-hold} 1 "))
  }
}

@Suite("The script of a boot kit")
struct BootKitScriptTests {
  private let appliance = "http://192.0.2.10:8080"

  @Test("a stick is the first BIOS drive itself, so that the machine's disk is the second")
  func drives() throws {
    let kit = BootKitScript(appliance: try ApplianceURL(appliance))
    #expect(try kit.text(for: .disk).text.contains("set bs-drive 0x81\n"))
    #expect(try kit.text(for: .cd).text.contains("set bs-drive 0x80\n"))
  }

  @Test("scripts that start the local disk take the drive that a kit has set, and the first one otherwise")
  func localDisk() throws {
    let name = try IPXEText("node1")
    let url = try ApplianceURL(appliance)
    for script in [
      try IPXEScript.boot(appliance: url), try .localDisk(machine: name),
      try .hold(appliance: url, machine: name, reason: name, advice: name),
    ] {
      #expect(script.text.contains("isset ${bs-drive} || set bs-drive 0x80\n"))
      #expect(script.text.contains("sanboot --no-describe --drive ${bs-drive} "))
    }
  }

  @Test("a kit for one machine brings up only the ports with its addresses, and says so where there is none")
  func oneMachine() throws {
    let kit = BootKitScript(
      appliance: try ApplianceURL(appliance),
      machine: try .init(name: try IPXEText("node1"), addresses: [try MACAddress("52:54:00:00:00:01")]))
    let text = try kit.text(for: .cd).text
    #expect(text.contains("iseq ${net${bs-nic}/mac} 52:54:00:00:00:01 && goto port ||\ngoto nextnic\n"))
    #expect(text.contains("this kit is for node1 (52:54:00:00:00:01)"))
    #expect(throws: IPXEValueError.empty(what: "the list of the machine's addresses")) {
      try BootKitScript.Machine(name: try IPXEText("node1"), addresses: [])
    }
  }

  @Test("a fixed address is set on the port and handed on to the installer")
  func fixedAddress() throws {
    let fixed = try FixedAddress(
      "192.0.2.5/28", gateway: try IPv4Address("192.0.2.1"), nameServers: [try IPv4Address("192.0.2.2")])
    let text = try BootKitScript(appliance: try ApplianceURL(appliance), address: fixed).text(for: .cd).text
    #expect(
      text.contains(
        """
        set net${bs-nic}/ip 192.0.2.5
        set net${bs-nic}/netmask 255.255.255.240
        set net${bs-nic}/gateway 192.0.2.1
        set net${bs-nic}/dns 192.0.2.2
        ifopen net${bs-nic} && goto fetch ||

        """))
    #expect(!text.contains("ifconf"))
    #expect(
      text.contains(
        "set bs-arguments bootstead.address=192.0.2.5/28 bootstead.gateway=192.0.2.1 bootstead.dns=192.0.2.2\n"))
    #expect(try IPXEScript.install(try sampleBoot()).text.contains(" ${bs-arguments} BOOTIF="))
  }

  @Test(
    "an address that no host can have is refused",
    arguments: [
      "192.0.2.5", "192.0.2.5/", "192.0.2.5/0", "192.0.2.5/31", "192.0.2.5/+24", "192.0.2.0/24", "192.0.2.255/24",
      "127.0.0.1/8", "224.0.0.5/24", "0.0.0.5/24", "192.0.2/24", "192.0.2.5/24/1", "192.0.2.5 /24", "",
    ])
  func refusedAddress(text: String) { #expect(throws: IPXEValueError.self) { try FixedAddress(text) } }

  @Test("a gateway outside of the network is refused")
  func refusedGateway() throws {
    for gateway in ["198.51.100.1", "192.0.2.5"] {
      #expect(throws: IPXEValueError.self) {
        try FixedAddress("192.0.2.5/24", gateway: try IPv4Address(gateway))
      }
    }
  }
}

@Suite("Known loaders")
struct LoaderTableTests {
  @Test("file names are unique")
  func unique() {
    #expect(Set(LoaderTable.known.map(\.fileName)).count == LoaderTable.known.count)
  }

  @Test("every kind of firmware has a loader, and gets only those it can start", arguments: LoaderArchitecture.allCases)
  func preferred(architecture: LoaderArchitecture) {
    let loaders = LoaderTable.preferred(for: architecture)
    #expect(!loaders.isEmpty)
    #expect(loaders.allSatisfy { $0.architecture == architecture })
  }

  @Test("the firmware's own network driver goes first")
  func firmwareDriver() {
    #expect(LoaderTable.preferred(for: .bios).first?.fileName == "undionly.kpxe")
    #expect(LoaderTable.preferred(for: .efiX64).first?.fileName == "snponly.efi")
    #expect(LoaderTable.loader(named: "nothing.efi") == nil)
  }
}
