import Fleet
import Foundation

/// The NixOS modules that every node is made of: the folder `templates`, read into memory.
public struct TemplateFolder: Sendable {
  public let path: String
  /// By their path in the folder.
  public let files: [String: Data]

  /// What the folder has to hold, beside the modules.
  static let flake = "node-flake.nix"
  static let lock = "flake.lock"
  static let byteLimit = 16 << 20

  /// - Throws: ``FleetError/conflict(_:)`` where the folder is not complete.
  public init(path: String) throws {
    self.path = path
    var files: [String: Data] = [:]
    var bytes = 0
    let root = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard
      let walk = FileManager.default.enumerator(
        at: root, includingPropertiesForKeys: [.isRegularFileKey], options: [.skipsHiddenFiles])
    else { throw FleetError.conflict("the templates in \(path) can not be read") }
    for case let file as URL in walk {
      guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
      let data = try Data(contentsOf: file)
      bytes += data.count
      guard bytes <= TemplateFolder.byteLimit else {
        throw FleetError.conflict("\(path) holds more than \(TemplateFolder.byteLimit >> 20) MiB: are those templates?")
      }
      files[String(file.path.dropFirst(root.path.count + 1))] = data
    }
    for name in [TemplateFolder.flake, TemplateFolder.lock, "lib/default.nix"] where files[name] == nil {
      throw FleetError.conflict("\(path)/\(name) is missing: these are not the templates of this version")
    }
    self.files = files
  }

  /// The roles that a machine may have: the files of `roles`.
  public var roles: [String] {
    files.keys.compactMap { name in
      guard name.hasPrefix("roles/"), name.hasSuffix(".nix") else { return nil }
      let role = name.dropFirst(6).dropLast(4)
      return role.hasPrefix("_") || role.contains("/") ? nil : String(role)
    }.sorted()
  }

  /// The file `schema/NAME.schema.json`.
  func schema(_ name: String, beside others: [String: JSONSchema] = [:]) throws -> JSONSchema {
    let file = "schema/\(name).schema.json"
    guard let data = files[file] else {
      throw FleetError.conflict("\(path)/\(file) is missing: these are not the templates of this version")
    }
    return try JSONSchema(data, name: file, beside: others)
  }

  /// What a declared fleet is measured by.
  public func declarationRules() throws -> DeclarationRules {
    let machine = ["machine.schema.json": try schema("machine")]
    let declared = try schema("declared-machine", beside: machine)
    let fleet = try schema(
      "declared-fleet", beside: machine.merging(["declared-machine.schema.json": declared]) { $1 })
    return DeclarationRules(
      machine: declared, fleet: fleet, roles: KnownRoles(roles), stacks: { problems(of: $0) })
  }

  /// The revision of nixpkgs that the lock file names.
  public var nixpkgs: String? {
    struct Lock: Decodable {
      struct Node: Decodable {
        struct Locked: Decodable { var rev: String? }
        var locked: Locked?
      }
      var nodes: [String: Node]
    }
    guard let data = files[TemplateFolder.lock], let lock = try? JSONDecoder().decode(Lock.self, from: data) else {
      return nil
    }
    return lock.nodes["nixpkgs"]?.locked?.rev
  }
}
