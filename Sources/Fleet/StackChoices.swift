import DiskLayout
import Foundation
import GRDB

/// What a machine's stacks are compiled from: the part of its `machine.json` that they need, which is known before its
/// disks are.
public struct StackChoices: Encodable, Sendable {
  public struct FileSystem: Encodable, Sendable {
    public var mountPoint: String
    public var type: String
  }

  public var name: MachineName
  /// As Nix names platforms; what was never seen is taken for an x86 machine.
  public var system: String
  /// What is on its disks, or what is wished for them.
  public var fileSystems: [FileSystem]
  public var network: NodeNetwork?
  public var roles: [String]
  public var stacks: [String]
  public var settings: [String: JSONValue]

  init(_ machine: Machine) {
    name = machine.name
    system = machine.nixSystem
    if let plan = machine.plan, machine.finishedInstall == machine.install || machine.state == .installing {
      fileSystems = plan.fileSystems.map { FileSystem(mountPoint: $0.mountPoint, type: $0.type.rawValue) }
    } else {
      fileSystems =
        [FileSystem(mountPoint: "/", type: machine.layout.systemFileSystem.rawValue)]
        + machine.layout.volumes.map { FileSystem(mountPoint: $0.mountPoint, type: $0.fileSystem.rawValue) }
    }
    network = machine.choices.network
    roles = machine.roles
    stacks = machine.stacks
    settings = machine.choices.settings
  }

  /// The template of each stack, by the stack's name.
  public var templates: [String: String] {
    let chosen = settings["stacks"]?.fields["settings"]?.fields ?? [:]
    return Dictionary(
      stacks.map { name in
        guard case .text(let template)? = chosen[name]?.fields["template"] else { return (name, name) }
        return (name, template)
      }, uniquingKeysWith: { first, _ in first })
  }
}

/// A machine's choices, with the files of the declaration that they come from.
public struct DeclaredStacks: Sendable {
  public var choices: StackChoices
  /// `fleet.json`, `machines/NAME.json`, `stacks/NAME/…`, as declared.
  public var files: DeclaredFiles

  public init(choices: StackChoices, files: DeclaredFiles) { (self.choices, self.files) = (choices, files) }
}

extension Fleet {
  /// A machine's choices as they are.
  public func declaredStacks(of name: String) async throws -> DeclaredStacks {
    try await database.read { database in try declaredStacks(find(name, in: database), in: database) }
  }

  /// A machine's choices as a change would make them. Nothing changes.
  public func declaredStacks(of name: String, after change: SetMachine) async throws -> DeclaredStacks {
    try await database.read { database in
      var machine = try find(name, in: database)
      try change.apply(to: &machine)
      return try declaredStacks(machine, in: database)
    }
  }

  /// The choices of a machine that is to be added.
  public func declaredStacks(of add: AddMachine) async throws -> DeclaredStacks {
    try await database.read { database in
      var machine = Machine(name: add.name, state: .approved, layout: add.layout, createdAt: now())
      machine.role = try add.role.map(checkedRoles)
      machine.stacks = try add.stacks.map { try checkedName($0, field: "stack") }
      return try declaredStacks(machine, in: database)
    }
  }

  private func declaredStacks(_ machine: Machine, in database: Database) throws -> DeclaredStacks {
    DeclaredStacks(
      choices: StackChoices(machine), files: DeclaredFiles(try DeclaredFiles.stored(in: database)?.files ?? [:]))
  }
}
