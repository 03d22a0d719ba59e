/// The loaders that are known by name. The features are those of Debian 12's `ipxe`
/// (1.0.0+git-20190125.36a4c85-5.1), measured; a newer build has more.
public enum LoaderTable {
  public static let known: [Loader] = [
    Loader(
      fileName: "undionly.kpxe", architecture: .bios,
      purpose: "iPXE for BIOS machines, over the network driver of the card's own boot ROM",
      features: [.http, .firmwareDriver], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/undionly.kpxe"]),
    Loader(
      fileName: "undionly.kkpxe", architecture: .bios,
      purpose: "as undionly.kpxe, but leaves the boot ROM loaded, for cards that hang otherwise",
      features: [.http, .firmwareDriver], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/undionly.kkpxe"]),
    Loader(
      fileName: "ipxe.pxe", architecture: .bios,
      purpose: "iPXE for BIOS machines with iPXE's own network drivers, where the boot ROM is broken",
      features: [.http, .ownDrivers], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/ipxe.pxe"]),
    Loader(
      fileName: "ipxe.lkrn", architecture: .bios,
      purpose: "iPXE that GRUB or syslinux starts like a Linux kernel",
      features: [.http, .ownDrivers], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/ipxe.lkrn", "/boot/ipxe.lkrn"]),
    Loader(
      fileName: "snponly.efi", architecture: .efiX64,
      purpose: "iPXE for 64-bit UEFI machines, over the firmware's network driver and the port that it booted from",
      features: [.http, .firmwareDriver], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/snponly.efi"]),
    Loader(
      fileName: "ipxe.efi", architecture: .efiX64,
      purpose: "iPXE for 64-bit UEFI machines with iPXE's own network drivers, where the firmware's driver is broken",
      features: [.http, .ownDrivers], debianPackage: "ipxe", paths: ["/usr/lib/ipxe/ipxe.efi", "/boot/ipxe.efi"]),
    Loader(
      fileName: "snponly-arm64.efi", architecture: .efiARM64,
      purpose: "iPXE for 64-bit ARM UEFI machines, over the firmware's network driver; an own build",
      features: [.firmwareDriver], debianPackage: nil, paths: []),
    Loader(
      fileName: "ipxe-arm64.efi", architecture: .efiARM64,
      purpose: "iPXE for 64-bit ARM UEFI machines; an own build, or from Debian 13 and later",
      features: [.http, .ownDrivers], debianPackage: nil, paths: ["/usr/lib/ipxe/ipxe-arm64.efi"]),
    Loader(
      fileName: "ipxe-i386.efi", architecture: .efiIA32,
      purpose: "iPXE for 32-bit UEFI machines (early Atom tablets); an own build",
      features: [.http, .ownDrivers], debianPackage: nil, paths: []),
  ]

  public static func loader(named fileName: String) -> Loader? { known.first { $0.fileName == fileName } }

  /// Those that this firmware can start, the best first. Drivers of the firmware go first: iPXE's own ones fight with
  /// it on many laptops and servers (iPXE issues 250, 541, 973, 1211).
  public static func preferred(for architecture: LoaderArchitecture) -> [Loader] {
    known.filter { $0.architecture == architecture && $0.fileName != "ipxe.lkrn" }
  }
}
