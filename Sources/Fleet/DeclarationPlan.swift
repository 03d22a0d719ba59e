import Crypto
import DiskLayout
import Foundation

/// What applying a declaration would change. Nothing of it has happened.
public struct DeclarationPlan: Codable, Sendable {
  public struct Field: Codable, Sendable, Equatable {
    public var field: String
    public var old: String?
    public var new: String?

    public init(field: String, old: String?, new: String?) {
      (self.field, self.old, self.new) = (field, old, new)
    }
  }

  public struct MachineChange: Codable, Sendable {
    public var machine: String
    public var isNew: Bool
    public var fields: [Field]
  }

  public var machines: [MachineChange]
  /// Files of the owner's that come, change or go; what is old and new is a short digest.
  public var modules: [Field]
  /// Machines of the registry that the declaration does not name. They stay as they are.
  public var undeclared: [String]
  /// When what takes effect.
  public var notes: [String]
  /// SHA-256 of the files.
  public var files: String
  /// What the operator consents to: SHA-256 over the files and what they change.
  public var digest: String = ""

  public var isEmpty: Bool { machines.isEmpty && modules.isEmpty }

  public var text: String {
    var lines: [String] = []
    for machine in machines {
      lines.append(machine.isNew ? "+ \(machine.machine): new; one install is armed" : "~ \(machine.machine)")
      for field in machine.fields {
        let old = machine.isNew ? "" : "\(field.old ?? "-") → "
        lines.append("    \(field.field): \(old)\(field.new ?? "-")")
      }
    }
    for module in modules {
      lines.append(
        "\(module.old == nil ? "+" : module.new == nil ? "-" : "~") \(module.field): "
          + "\(module.old ?? "-") → \(module.new ?? "-")")
    }
    if lines.isEmpty { lines.append("nothing would change") }
    if !undeclared.isEmpty {
      lines.append("not declared, and left as they are: \(undeclared.joined(separator: ", "))")
    }
    return (lines + notes).joined(separator: "\n")
  }

  mutating func seal() {
    let hash = SHA256.hash(data: Data((files + "\n" + text).utf8))
    digest = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension LayoutSpec {
  /// In one line, for people.
  var words: String {
    var parts = [systemDisk.description]
    if let dataDisk { parts.append("data on \(dataDisk)") }
    if let systemSize { parts.append("system \(ByteSize.text(systemSize))") }
    if let systemMaximum { parts.append("system at most \(ByteSize.text(systemMaximum))") }
    if allowsOvercommit { parts.append("may promise more than there is") }
    for volume in volumes {
      let size =
        switch volume.size {
        case .bytes(let bytes): ByteSize.text(bytes)
        case .poolPercent(let percent): "\(percent)%"
        }
      let placement = volume.placementClass.map { " (\($0))" } ?? ""
      parts.append("\(volume.name) \(size) \(volume.fileSystem.rawValue) on \(volume.mountPoint)\(placement)")
    }
    return parts.joined(separator: ", ")
  }
}
