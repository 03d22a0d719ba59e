import DiskLayout
import Foundation
import NetworkAddress

/// A machine as `machines/NAME.json` declares it, with the fleet's defaults.
public struct DeclaredMachine: Sendable {
  public var name: MachineName
  public var addresses: [MACAddress]
  public var roles: [String]
  public var stacks: [String]
  /// Nil: the usual one.
  public var image: String?
  /// Nil: as it is.
  public var stateVersion: String?
  /// Nil: as it is.
  public var layout: LayoutSpec?
  public var choices: NodeChoices
}

/// A file of a machine, in the form that its schema has let through.
struct MachineFile: Decodable {
  struct Layout: Decodable {
    struct Volume: Decodable {
      var name: String
      var size: String
      var mountPoint: String
      var fileSystem: FileSystemType?
      var placementClass: String?
    }
    var disk: String?
    var dataDisk: String?
    var systemSize: String?
    var systemMaximum: String?
    var allowOvercommit: Bool?
    var volumes: [Volume]?

    /// - Throws: ``FleetError`` with the field.
    func spec() throws(FleetError) -> LayoutSpec {
      var spec = LayoutSpec()
      if let disk { spec.systemDisk = disk == "auto" ? .automatic : Self.named(disk) }
      if let dataDisk { spec.dataDisk = Self.named(dataDisk) }
      if let systemSize { spec.systemSize = try Self.bytes(systemSize, field: "layout.systemSize") }
      if let systemMaximum { spec.systemMaximum = try Self.bytes(systemMaximum, field: "layout.systemMaximum") }
      spec.allowsOvercommit = allowOvercommit ?? false
      for (index, volume) in (volumes ?? []).enumerated() {
        let field = "layout.volumes[\(index)].size"
        let size: VolumeSize =
          volume.size.hasSuffix("%")
          ? .poolPercent(Int(volume.size.dropLast()) ?? 0) : .bytes(try Self.bytes(volume.size, field: field))
        spec.volumes.append(
          VolumeSpec(
            name: volume.name, size: size, fileSystem: volume.fileSystem ?? .ext4, mountPoint: volume.mountPoint,
            placementClass: volume.placementClass))
      }
      do { try spec.check() } catch { throw .invalidValue(field: "layout", reason: error.description) }
      return spec
    }

    private static func named(_ disk: String) -> SystemDisk {
      disk.hasPrefix("serial:") ? .serial(String(disk.dropFirst(7))) : .id(disk)
    }

    private static func bytes(_ text: String, field: String) throws(FleetError) -> UInt64 {
      let digits = text.prefix { $0.isASCII && $0.isNumber }
      let units: [String: UInt64] = [
        "": 1, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
      ]
      guard let number = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))],
        case let (bytes, overflow) = number.multipliedReportingOverflow(by: unit), !overflow
      else { throw .invalidValue(field: field, reason: "'\(text)' is not a size such as 40GiB") }
      return bytes
    }
  }

  var addresses: [String]
  var roles: [String]?
  var stacks: [String]?
  var image: String?
  var stateVersion: String?
  var network: NodeNetwork?
  var administrator: NodeAdministrator?
  var settings: [String: JSONValue]?
  var modules: [String]?
  var layout: Layout?
}

/// `fleet.json`: what every machine has that does not say otherwise.
struct FleetFile: Decodable {
  var roles: [String]?
  var network: NodeNetwork?
  var administrator: NodeAdministrator?
  var settings: [String: JSONValue]?
  var modules: [String]?
}
