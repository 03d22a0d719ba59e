// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// A target of ours: Swift 6 mode, warnings are errors.
func part(
  _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, exclude: [String] = [],
  resources: [Resource]? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path, exclude: exclude, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

let package = Package(
  name: "bootstead",
  products: [
    .executable(name: "bootstead", targets: ["bootstead"]),
    .executable(name: "bootstead-agent", targets: ["bootstead-agent"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // System libraries.
    .systemLibrary(name: "CBlkid", pkgConfig: "blkid", providers: [.apt(["libblkid-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CKexec"),
    .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),

    // Pure: wire formats and the disk layout planner.
    part("NetworkAddress"),
    part("DHCP", ["NetworkAddress"]),
    part("TFTP"),
    part("NixFormats"),
    part("CPIO"),
    part("SecureShell", [crypto]),
    part("DiskLayout"),
    // Repeatable, for tests and the lab.
    part("SeededNumbers"),

    // Container stacks: what is compiled, also for the agent; templates, rules and the compiler; the folders.
    part("StackSet"),
    part("StackTemplates", ["StackSet", yams]),
    part("StackCatalogue", ["StackTemplates"]),

    // Domain.
    part("BootDecision", ["DHCP", "NetworkAddress"]),
    part(
      "Netboot", ["NetworkAddress"], path: "netboot", exclude: ["README.md"],
      resources: [
        .embedInCode("scripts/boot.ipxe"), .embedInCode("scripts/install.ipxe"), .embedInCode("scripts/local.ipxe"),
        .embedInCode("scripts/hold.ipxe"), .embedInCode("scripts/rescue.ipxe"), .embedInCode("scripts/kit.ipxe"),
      ]),
    part("AgentProtocol", ["DiskLayout", "NetworkAddress", crypto]),
    part("Fleet", ["AgentProtocol", "BootDecision", "DiskLayout", "Images", "NetworkAddress", crypto, grdb]),
    part("Images", [crypto]),
    part("BinaryCache", ["NixFormats", "CZstd", "CLZMA", crypto]),

    part(
      "NodeFlake",
      ["Fleet", "StackCatalogue", "StackSet", "StackTemplates", crypto, subprocess, systemPackage]),

    // Services: sockets.
    part("ProxyDHCP", ["BootDecision", "DHCP", "NetworkAddress", logging, lifecycle, nioCore, nioPosix]),
    part("TFTPServer", ["NetworkAddress", "TFTP", logging, lifecycle, nioCore, nioPosix]),

    part(
      "BootHTTP",
      [
        "AgentProtocol", "BinaryCache", "BootDecision", "CPIO", "Fleet", "Images", "Netboot", "NetworkAddress",
        "NixFormats", hummingbird, logging, nioCore, nioPosix, nioHTTP1,
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
      ]),
    part(
      "OperatorAPI",
      [
        "BinaryCache", "BootDecision", "Fleet", "Images", "NetworkAddress", "NixFormats", "NodeFlake", hummingbird,
        logging,
        nioCore, .product(name: "HTTPTypes", package: "swift-http-types"),
      ]),

    // Images of sticks and CDs for machines that cannot boot from the network.
    part("BootKit", ["Netboot", crypto, subprocess, systemPackage]),

    // Virtual machines that boot from the network, for the demo and the tests.
    part("Lab", ["SeededNumbers", nioCore, nioPosix, subprocess, systemPackage]),

    // The command line, and the appliance that it serves.
    part(
      "MicroInstaller", path: "images/micro-installer",
      resources: [
        "build", "debian-packages", "handed-network.sh", "init.sh", "lvm.conf", "modules", "packages", "programs",
        "udhcpc.script",
      ].map {
        .embedInCode($0)
      }),
    .executableTarget(
      name: "bootstead",
      dependencies: [
        "AgentProtocol", "BinaryCache", "BootDecision", "BootHTTP", "BootKit", "DiskLayout", "Fleet", "HTTPConnection",
        "Images", "Lab",
        "MicroInstaller", "Netboot", "NetworkAddress", "NixFormats", "NodeFlake", "OperatorAPI", "ProgramInput",
        "ProgramRunner",
        "ProxyDHCP",
        "SecureShell", "StackCatalogue", "StackSet", "StackTemplates",
        "TFTP", "TFTPServer", arguments, crypto, lifecycle, logging, subprocess, systemPackage,
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),

    // What programs are given to read.
    part("ProgramInput", [systemPackage]),
    part("ProgramRunner", ["ProgramInput", subprocess, systemPackage]),

    // The agent.
    part("HTTPConnection", [nioCore, nioPosix, nioHTTP1]),
    part("NodeFiles"),
    part(
      "NodeAgent",
      [
        "AgentProtocol", "BinaryCache", "CBlkid", "CKexec", "CPIO", "DiskLayout", "HTTPConnection", "NetworkAddress",
        "NixFormats", "NodeFiles", "ProgramInput", "ProgramRunner", crypto, logging, subprocess, systemPackage,
      ]),
    // Stacks, storage and backups of an installed node.
    part("NodeWork", ["AgentProtocol", "DiskLayout", "NodeFiles", "ProgramRunner", "StackSet"]),
    // Fully static: it runs in an initrd without libraries. A dynamic module's autolink entries do not name what the
    // static FoundationEssentials needs.
    .executableTarget(
      name: "bootstead-agent",
      dependencies: [
        "AgentProtocol", "DiskLayout", "HTTPConnection", "NodeAgent", "NodeFiles", "NodeWork", "ProgramRunner",
        "StackSet", arguments,
      ], swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(["-static-executable"]), .linkedLibrary("_FoundationCollections"),
        .linkedLibrary("_FoundationCShims"),
      ]),

    // Load generators for `make bench`.
    .executableTarget(
      name: "bootstead-bench",
      dependencies: ["HTTPConnection", "Lab", "NetworkAddress", "NixFormats", "NodeAgent", arguments],
      path: "Benchmarks", exclude: ["run"], swiftSettings: strict),

    // Tests.
    .target(
      name: "ProgramTestSupport", dependencies: ["ProgramInput", subprocess, systemPackage],
      path: "Tests/ProgramTestSupport",
      swiftSettings: strict),
    .target(
      name: "NixTestSupport", dependencies: ["CLZMA", "CZstd", "NixFormats", "ProgramTestSupport", crypto],
      path: "Tests/NixTestSupport",
      swiftSettings: strict),
    tests("AgentProtocol", ["AgentProtocol", "ProgramTestSupport"]),
    tests("BinaryCache", ["BinaryCache", "NixFormats", "NixTestSupport", "ProgramTestSupport", crypto]),
    tests("BootDecision", ["BootDecision", "DHCP", "NetworkAddress"]),
    tests(
      "BootHTTP",
      [
        "AgentProtocol", "BinaryCache", "BootDecision", "BootHTTP", "CPIO", "DiskLayout", "Fleet", "Images",
        "NetworkAddress", lifecycle, logging,
      ]),
    tests("BootKit", ["BootKit", "Netboot", "NetworkAddress", "ProgramTestSupport"]),
    tests("CPIO", ["CPIO"]),
    tests(
      "CommandLine",
      [
        "AgentProtocol", "BootDecision", "DiskLayout", "Fleet", "Lab", "NetworkAddress", "NixFormats", "NixTestSupport",
        "ProgramTestSupport",
      ]),
    tests(
      "ContainerEngine", ["NodeWork", "ProgramRunner", "ProgramTestSupport", "SeededNumbers"],
      exclude: ["images", "kill-at", "machine.json", "stacks", "stand-ins"]),
    tests("DHCP", ["DHCP", "NetworkAddress", "SeededNumbers"], exclude: ["Golden"]),
    tests("DiskLayout", ["DiskLayout", "SeededNumbers"], exclude: ["Inventories"]),
    tests("Fleet", ["AgentProtocol", "BootDecision", "DiskLayout", "Fleet", "Images", "NetworkAddress", grdb]),
    tests("HTTPConnection", ["HTTPConnection", nioCore, nioPosix]),
    tests("Images", ["Images"]),
    tests("Lab", ["Lab", "SeededNumbers"], exclude: ["debian-guest", "node-system", "node-work"]),
    tests("Netboot", ["Netboot", "NetworkAddress"]),
    tests("NetworkAddress", ["NetworkAddress"]),
    tests("NixFormats", ["NixFormats", "NixTestSupport", "ProgramTestSupport"]),
    tests(
      "NodeAgent",
      [
        "AgentProtocol", "CPIO", "DiskLayout", "HTTPConnection", "NetworkAddress", "NixFormats", "NodeAgent",
        "NodeFiles", "ProgramRunner", nioCore, nioHTTP1, nioPosix,
      ], exclude: ["Recorded"]),
    tests(
      "NodeAgentClosure", ["BinaryCache", "NixFormats", "NixTestSupport", "NodeAgent", "ProgramTestSupport", crypto]),
    tests(
      "NodeAgentDisks", ["AgentProtocol", "DiskLayout", "NetworkAddress", "NodeAgent", "NodeFiles", "ProgramRunner"],
      exclude: ["Recorded"]),
    tests(
      "NodeFlake",
      [
        "AgentProtocol", "BinaryCache", "DiskLayout", "Fleet", "NetworkAddress", "NixFormats", "NodeFlake",
        "ProgramTestSupport", "StackSet",
      ]),
    tests("NodeWork", ["AgentProtocol", "DiskLayout", "NodeWork", "ProgramRunner", "ProgramTestSupport", "StackSet"]),
    tests("ProgramRunner", ["ProgramRunner", "ProgramTestSupport"]),
    tests("ProxyDHCP", ["BootDecision", "DHCP", "NetworkAddress", "ProxyDHCP", lifecycle, logging, nioCore, nioPosix]),
    tests("SecureShell", ["SecureShell"]),
    tests("SimulatedLAN", ["BootDecision", "DHCP", "NetworkAddress", "ProxyDHCP", "SeededNumbers", "TFTP", logging]),
    tests("StackTemplates", ["ProgramTestSupport", "StackCatalogue", "StackSet", "StackTemplates"]),
    tests("TFTP", ["SeededNumbers", "TFTP"]),
    tests("TFTPServer", ["NetworkAddress", "TFTP", "TFTPServer", logging, nioCore, nioPosix]),
  ]
)
