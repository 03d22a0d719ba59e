import Crypto
import Foundation

extension MachineConfiguration {
  /// The server of its k3s cluster where the system joins; nil where it begins a cluster, or is in none.
  public var clusterJoin: String? {
    DeclaredCluster.Kind.allCases.first { roles.contains($0.rawValue) }
      .flatMap { settings?["roles"]?[[$0.rawValue, "join"]]?.text }
  }

  /// SHA-256 over what a system is built to find on the disks, hexadecimal: it tells whether the system fits another
  /// layout. Names of disks and partitions are in it, so that a replaced disk changes it.
  public var layoutDigest: String {
    get throws {
      struct Layout: Encodable {
        var bootDisk: String
        var bootDiskSize: UInt64
        var dataDisk: String?
        var dataDiskSize: UInt64?
        var fileSystems: [FileSystem]
        var thinPool: ThinPool
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let data = try encoder.encode(
        Layout(
          bootDisk: bootDisk, bootDiskSize: bootDiskSize, dataDisk: dataDisk, dataDiskSize: dataDiskSize,
          fileSystems: fileSystems, thinPool: thinPool))
      return SHA256.hash(data: data).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
}
