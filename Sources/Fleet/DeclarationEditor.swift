import Foundation
import NetworkAddress

/// Changes the files of a declared fleet, so that the change goes the same way as one by hand: plan, consent, apply.
public struct DeclarationEditor: Sendable {
  public private(set) var files: DeclaredFiles
  /// Paths whose content is another one now.
  public private(set) var changed: Set<String> = []

  public init(_ files: DeclaredFiles) { self.files = files }

  /// The names of the machines that it declares, sorted.
  public var machines: [String] { files.files.keys.compactMap { DeclaredFiles.machineName($0)?.text }.sorted() }

  /// A machine's settings as its node gets them: the fleet's with the machine's over them.
  /// - Throws: ``FleetError`` where no file declares the machine, or a file is no JSON.
  public func settings(of name: String) throws(FleetError) -> JSONValue {
    let fleet = try value(at: DeclaredFiles.fleet)?["settings"] ?? .object([:])
    return fleet.merged(with: try machine(name)["settings"] ?? .object([:]))
  }

  /// A machine's roles, those of the fleet first.
  public func roles(of name: String) throws(FleetError) -> [String] {
    let fleet = try value(at: DeclaredFiles.fleet)?["roles"]?.texts ?? []
    return fleet + (try ownRoles(of: name)).filter { !fleet.contains($0) }
  }

  /// The roles of a machine's own file.
  func ownRoles(of name: String) throws(FleetError) -> [String] { try machine(name)["roles"]?.texts ?? [] }

  /// The fixed IPv4 addresses of a machine's cards, in their order.
  public func addresses(of name: String) throws(FleetError) -> [IPv4Network] {
    try interfaces(of: name).flatMap { $0["addresses"]?.texts ?? [] }.compactMap { IPv4Network($0) }
  }

  /// Everything that a machine's network names: its own addresses, routers and name servers.
  func knownAddresses(of name: String) throws(FleetError) -> [(what: String, address: IPv4Address)] {
    var known: [(String, IPv4Address)] = []
    for interface in try interfaces(of: name) {
      for address in (interface["addresses"]?.texts ?? []).compactMap({ IPv4Network($0)?.address }) {
        known.append(("the machine \(name)", address))
      }
      if let gateway = interface["gateway"]?.text.flatMap({ try? IPv4Address($0) }) {
        known.append(("the router of \(name)", gateway))
      }
      for server in (interface["nameServers"]?.texts ?? []).compactMap({ try? IPv4Address($0) }) {
        known.append(("a name server of \(name)", server))
      }
    }
    return known
  }

  private func interfaces(of name: String) throws(FleetError) -> [JSONValue] {
    let cards = try machine(name)["network"]?["interfaces"]?.values ?? []
    return cards.flatMap { [$0] + ($0["vlans"]?.values ?? []) }
  }

  /// Sets a field of a machine's file, or takes it away.
  /// - Parameter path: such as `["settings", "roles", "k3s-agent"]`; objects on the way are made.
  public mutating func set(_ new: JSONValue?, at path: [String], of name: String) throws(FleetError) {
    let old = try machine(name)
    let value = old.setting(new, at: path[...])
    guard value != old else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let file = "machines/\(name).json"
    do {
      files.files[file] = try encoder.encode(value) + Data("\n".utf8)
    } catch {
      throw .declaration(["\(file): it can not be written as JSON: \(error)"])
    }
    changed.insert(file)
  }

  /// A field of a machine's own file.
  func own(_ field: String, of name: String) throws(FleetError) -> JSONValue? { try machine(name)[field] }

  private func machine(_ name: String) throws(FleetError) -> JSONValue {
    guard let value = try value(at: "machines/\(name).json") else {
      let known = machines.joined(separator: ", ")
      throw .declaration([
        "machines/\(displayable(name, limit: 70)).json: there is no such file; declared are \(known.isEmpty ? "none" : known)"
      ])
    }
    return value
  }

  private func value(at path: String) throws(FleetError) -> JSONValue? {
    guard let data = files.files[path] else { return nil }
    do {
      return try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      throw .declaration(["\(path): this is not JSON; 'bootstead plan -f DIR' says where"])
    }
  }
}

extension JSONValue {
  /// A field of an object.
  public subscript(field: String) -> JSONValue? {
    guard case .object(let fields) = self else { return nil }
    return fields[field]
  }

  /// A field of objects in objects.
  public subscript(path: [String]) -> JSONValue? {
    path.reduce(self) { value, field in value?[field] }
  }

  public var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  public var values: [JSONValue]? {
    guard case .array(let values) = self else { return nil }
    return values
  }

  /// The texts of an array.
  public var texts: [String]? { values?.compactMap(\.text) }

  public var isTrue: Bool { self == .bool(true) }

  fileprivate func setting(_ new: JSONValue?, at path: ArraySlice<String>) -> JSONValue {
    guard let field = path.first else { return new ?? .null }
    var fields: [String: JSONValue] = [:]
    if case .object(let mine) = self { fields = mine }
    if path.count == 1 {
      fields[field] = new
    } else if new != nil || fields[field] != nil {
      fields[field] = (fields[field] ?? .object([:])).setting(new, at: path.dropFirst())
    }
    return .object(fields)
  }
}
