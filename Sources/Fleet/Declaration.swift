import DiskLayout
import Foundation
import Images
import NetworkAddress

/// What a declaration is measured by: the schemas, roles and stacks of the templates.
public struct DeclarationRules: Sendable {
  public var machine: JSONSchema
  public var fleet: JSONSchema
  public var roles: KnownRoles
  /// What is wrong with a machine's stacks, each with its file, line and rule.
  public var stacks: @Sendable (DeclaredStacks) -> [String]

  public init(
    machine: JSONSchema, fleet: JSONSchema, roles: KnownRoles, stacks: @escaping @Sendable (DeclaredStacks) -> [String]
  ) {
    (self.machine, self.fleet, self.roles, self.stacks) = (machine, fleet, roles, stacks)
  }
}

/// A fleet as a folder of files declares it.
public struct Declaration: Sendable {
  public let machines: [DeclaredMachine]
  public let files: DeclaredFiles

  /// - Throws: ``FleetError/declaration(_:)`` with everything that is wrong, each with its file and field.
  public init(_ files: DeclaredFiles, rules: DeclarationRules) throws(FleetError) {
    self.files = files
    var reader = DeclarationReader(files: files, rules: rules)
    machines = try reader.read()
  }
}

private struct DeclarationReader {
  let files: DeclaredFiles
  let rules: DeclarationRules
  var problems: [String] = []

  init(files: DeclaredFiles, rules: DeclarationRules) { (self.files, self.rules) = (files, rules) }

  mutating func read() throws(FleetError) -> [DeclaredMachine] {
    problems = files.problems
    guard problems.isEmpty else { throw .declaration(problems) }
    let fleet = try read(FleetFile.self, at: DeclaredFiles.fleet, rules.fleet)
    if let fleet { check(roles: fleet.roles, modules: fleet.modules, in: DeclaredFiles.fleet) }
    var machines: [DeclaredMachine] = []
    var owners: [MACAddress: String] = [:]
    for path in files.files.keys.sorted() {
      guard let name = DeclaredFiles.machineName(path), let file = try read(MachineFile.self, at: path, rules.machine)
      else { continue }
      check(roles: file.roles, modules: file.modules, in: path)
      if let machine = machine(name, file, fleet, path) {
        for (index, address) in machine.addresses.enumerated() {
          if let other = owners.updateValue(path, forKey: address) {
            problems.append("\(path): addresses[\(index)]: \(address) is declared by \(other) too")
          }
        }
        machines.append(machine)
      }
    }
    guard problems.isEmpty else { throw .declaration(problems) }
    return machines
  }

  private mutating func read<File: Decodable>(_ type: File.Type, at path: String, _ schema: JSONSchema)
    throws(FleetError) -> File?
  {
    guard let data = files.files[path] else { return nil }
    let value: JSONValue
    do { value = try JSONDecoder().decode(JSONValue.self, from: data) } catch {
      problems.append("\(path): this is not JSON: \(Self.reason(error))")
      return nil
    }
    let found = try schema.problems(of: value)
    guard found.isEmpty else {
      problems += found.map { "\(path): \($0)" }
      return nil
    }
    do { return try JSONDecoder().decode(type, from: data) } catch {
      problems.append("\(path): \(Self.reason(error))")
      return nil
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard case .dataCorrupted(let context)? = error as? DecodingError else {
      return displayable("\(error)", limit: 200)
    }
    let inner = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
    return displayable(inner ?? context.debugDescription, limit: 200)
  }

  private mutating func check(roles: [String]?, modules: [String]?, in path: String) {
    for (index, role) in (roles ?? []).enumerated() {
      if let problem = rules.roles.problem(role) { problems.append("\(path): roles[\(index)]: \(problem)") }
    }
    for (index, module) in (modules ?? []).enumerated() where files.files[module] == nil {
      problems.append("\(path): modules[\(index)]: there is no file \(module) in the folder")
    }
  }

  private mutating func machine(_ name: MachineName, _ file: MachineFile, _ fleet: FleetFile?, _ path: String)
    -> DeclaredMachine?
  {
    do {
      var addresses: [MACAddress] = []
      for (index, text) in file.addresses.enumerated() {
        let address = try MACAddress(text)
        if address.isMulticast || address.value == 0 {
          problems.append("\(path): addresses[\(index)]: \(address) is not the address of one network card")
        }
        addresses.append(address)
      }
      for (index, interface) in (file.network?.interfaces ?? []).enumerated()
      where !file.addresses.contains(interface.mac) {
        problems.append(
          "\(path): network.interfaces[\(index)].mac: \(interface.mac) is none of the machine's addresses")
      }
      var network = file.network ?? fleet?.network
      if network?.domain == nil { network?.domain = fleet?.network?.domain }
      let settings = JSONValue.object(fleet?.settings ?? [:]).merged(with: .object(file.settings ?? [:]))
      return DeclaredMachine(
        name: name, addresses: addresses, roles: Self.union(fleet?.roles, file.roles), stacks: file.stacks ?? [],
        image: try file.image.map(checkedImage), stateVersion: file.stateVersion, layout: try file.layout?.spec(),
        choices: NodeChoices(
          network: network, administrator: file.administrator ?? fleet?.administrator,
          settings: settings.fields, modules: Self.union(fleet?.modules, file.modules)))
    } catch {
      problems.append("\(path): \(error)")
      return nil
    }
  }

  private static func union(_ first: [String]?, _ second: [String]?) -> [String] {
    var all = first ?? []
    for name in second ?? [] where !all.contains(name) { all.append(name) }
    return all
  }
}

extension JSONValue {
  var fields: [String: JSONValue] { if case .object(let fields) = self { fields } else { [:] } }
}
