import Crypto
import Fleet
import Foundation
import StackSet

/// A machine's flake: its `machine.json`, what its stacks were compiled to, the owner's modules and stacks, the templates,
/// the agent, a fixed `flake.nix` and its lock. All of it is data that is copied; nothing is written into Nix code.
public struct NodeFlake: Sendable {
  public let name: MachineName
  /// By their path in the flake.
  public let files: [String: Data]
  /// The agent for the machine's platform, beside the files; nil where the appliance has none.
  public let agent: AgentFile?
  /// As Nix names it: `x86_64-linux`.
  public let platform: String
  /// The revision of nixpkgs that it is locked to.
  public let nixpkgs: String?
  /// ``MachineConfiguration/layoutDigest`` of its `machine.json`.
  public let layout: String
  /// ``MachineConfiguration/clusterJoin`` of its `machine.json`.
  public let clusterJoin: String?
  /// SHA-256 over names, lengths and contents, hexadecimal: two flakes with one digest are the same.
  public let digest: String

  /// Where the modules look for the compiled stacks.
  public var stackSetPath: String { "stacks/\(name).json" }
  public var configurationPath: String { "machines/\(name).json" }
  /// What Nix builds of it.
  public var attribute: String { "nixosConfigurations.\(name).config.system.build.toplevel" }

  /// - Throws: ``FleetError`` where the machine's configuration breaks the schema, or its stacks a rule.
  public init(_ source: NodeSource, templates: TemplateFolder, agent: AgentFile? = nil) throws {
    name = source.configuration.name
    nixpkgs = templates.nixpkgs
    platform = source.configuration.system
    layout = try source.configuration.layoutDigest
    clusterJoin = source.configuration.clusterJoin
    self.agent = agent?.system == platform ? agent : nil
    let configuration = try source.configuration.encoded()
    let problems = try templates.schema("machine")
      .problems(of: JSONDecoder().decode(JSONValue.self, from: configuration))
    guard problems.isEmpty else {
      throw FleetError.conflict("the configuration of '\(name)' is refused: \(problems.joined(separator: "; "))")
    }
    if let role = source.configuration.roles.first(where: { !templates.roles.contains($0) }) {
      throw FleetError.conflict(
        "'\(name)' has the role '\(role)', which there is not; known are \(templates.roles.joined(separator: ", "))")
    }
    var files = ["machines/\(name).json": configuration]
    for (path, content) in source.modules { files[path] = content }
    let set = try templates.stackSet(
      of: name, configuration, files: source.stacks.merging(files) { own, _ in own })
    if let set {
      files["stacks/\(name).json"] = Data(try set.encoded() + [UInt8(ascii: "\n")])
      // Of the owner's stacks those that it runs: a change of another one is no change of this machine.
      for template in Set(set.stacks.map(\.template)) {
        for (path, content) in source.stacks where path.hasPrefix("stacks/\(template)/") { files[path] = content }
      }
    }
    for (path, content) in templates.files {
      switch path {
      case TemplateFolder.flake: files["flake.nix"] = content
      case TemplateFolder.lock: files["flake.lock"] = content
      case "flake.nix": break
      default:
        // Of no use to a node.
        if !["examples/", "checks/"].contains(where: path.hasPrefix) { files["bootstead/\(path)"] = content }
      }
    }
    self.files = files
    var digested = files
    if let agent = self.agent { digested[agent.pathInFlake] = Data(agent.digest.utf8) }
    digest = NodeFlake.digest(of: digested)
  }

  static func digest(of files: [String: Data]) -> String {
    var hash = SHA256()
    for (path, content) in files.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Data("\(path.utf8.count):\(path)\(content.count):".utf8))
      hash.update(data: content)
    }
    return hash.finalize().hexadecimal
  }

  /// Writes the files below a folder, which is made.
  public func write(to folder: URL) throws {
    for (path, content) in files {
      let file = folder.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try content.write(to: file)
    }
    guard let agent else { return }
    let file = folder.appendingPathComponent(agent.pathInFlake)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: agent.path, toPath: file.path)
  }
}

extension SHA256Digest {
  var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
