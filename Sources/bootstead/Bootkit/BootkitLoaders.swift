import BootKit
import Crypto
import Foundation
import Images
import Netboot

/// Finds the iPXE builds of a kit: files that the operator names, loaders that the appliance was given, Debian's
/// package.
struct BootkitLoaders {
  struct Found {
    var loaders: KitLoaders
    var origins: [String: String]
  }

  let client: ApplianceClient
  /// False where a kit can be made without a running appliance.
  let needsAppliance: Bool

  func load(efi named: [String]) async throws -> Found {
    let registered = try await registeredLoaders()
    guard
      let bios = try await first(
        registered, architecture: .bios, names: ["ipxe.lkrn"], paths: ["/usr/lib/ipxe/ipxe.lkrn", "/boot/ipxe.lkrn"])
    else { throw BootKitError.missing(what: ["ipxe.lkrn"], packages: ["ipxe"]) }
    var efi: [(name: String, bytes: [UInt8])] = try named.map { ($0, try file($0)) }
    let own = try efi.isEmpty ? [] : KitLoaders(bios: bios, efi: efi).efi.map(\.fileName)
    for (architecture, fileName) in [
      (LoaderArchitecture.efiX64, "BOOTX64.EFI"), (.efiARM64, "BOOTAA64.EFI"), (.efiIA32, "BOOTIA32.EFI"),
    ] where !own.contains(fileName) {
      // iPXE with its own drivers: snponly uses only the port that firmware booted it from, and a stick is none.
      let known = LoaderTable.known.filter { $0.architecture == architecture && $0.features.contains(.ownDrivers) }
      var paths = known.flatMap(\.paths)
      if architecture == .efiX64 { paths.append("/usr/lib/ipxe/ipxe-amd64.efi") }
      if let loader = try await first(
        registered, architecture: architecture, names: known.map(\.fileName), paths: paths)
      {
        efi.append(loader)
      }
    }
    let loaders = try KitLoaders(bios: bios, efi: efi)
    guard loaders.efi.contains(where: { $0.fileName == "BOOTX64.EFI" }) else {
      throw BootKitError.missing(what: ["ipxe.efi"], packages: ["ipxe"])
    }
    var origins = ["ipxe.lkrn": bios.name]
    for (loader, found) in zip(loaders.efi, efi) { origins[loader.fileName] = found.name }
    return Found(loaders: loaders, origins: origins)
  }

  private func registeredLoaders() async throws -> [StoredLoader] {
    do {
      return try await client.get("/v1/loaders")
    } catch CommandFailure.unreachable where !needsAppliance {
      return []
    }
  }

  /// What the operator added goes before what came from a package.
  private func first(
    _ registered: [StoredLoader], architecture: LoaderArchitecture, names: [String], paths: [String]
  ) async throws -> (name: String, bytes: [UInt8])? {
    let matching = registered.filter {
      $0.architecture == architecture.rawValue
        && (names.contains($0.name.text) || $0.features.contains(LoaderFeature.autoexec.rawValue))
        && !$0.name.text.hasPrefix("snponly")
    }
    if let loader = matching.first(where: { $0.origin == "operator" }) ?? matching.first {
      let bytes = try await client.bytes("/v1/loaders/\(pathComponent(loader.name.text))/content")
      guard
        SHA256.hash(data: bytes).map({ ($0 < 16 ? "0" : "") + String($0, radix: 16) }).joined() == loader.blob.digest
      else { throw CommandFailure.failed("the appliance's loader \(loader.name) is damaged: add it again") }
      return ("the appliance's \(loader.name)", bytes)
    }
    return try paths.first { FileManager.default.fileExists(atPath: $0) }.map { ($0, try file($0)) }
  }

  private func file(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw BootKitError.unreadable(path: path, reason: "check the path and its permissions")
    }
    return [UInt8](data)
  }
}
