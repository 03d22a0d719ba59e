import Foundation
import StackSet
import StackTemplates

/// Reads a machine's choices for its stacks from `machine.json`.
public struct MachineStacks: Sendable {
  public let settings: StackSettings
  /// Folders of the machine's own stacks, by name.
  public let own: [String: String]

  /// - Parameters:
  ///   - data: `machine.json`, at most 1 MiB.
  ///   - path: how refusals call it; the folders of own stacks are relative to it.
  /// - Throws: ``CatalogueError`` with the field that is of another type.
  public init(_ data: Data, path: String) throws {
    guard data.count <= 1 << 20 else { throw CatalogueError(path: path, text: "has more than 1 MiB") }
    let file: MachineFile
    do { file = try JSONDecoder().decode(MachineFile.self, from: data) } catch {
      throw CatalogueError(path: path, text: "can not be used: \(MachineStacks.text(of: error))")
    }
    settings = try file.settings(path: path)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    own = (file.settings?.stacks?.own ?? [:]).mapValues { URL(fileURLWithPath: $0, relativeTo: folder).path }
  }

  private static func text(of error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    let context: DecodingError.Context
    var what = ""
    switch error {
    case .typeMismatch(_, let found), .valueNotFound(_, let found): (context, what) = (found, "is of another type")
    case .keyNotFound(let key, let found): (context, what) = (found, "has no \(key.stringValue)")
    case .dataCorrupted(let found): (context, what) = (found, found.debugDescription)
    @unknown default: return "\(error)"
    }
    let field = context.codingPath.map(\.stringValue).joined(separator: ".")
    return field.isEmpty ? what : "\(field) \(what)"
  }
}

/// The parts of `machine.json` that stacks need.
struct MachineFile: Decodable {
  struct FileSystem: Decodable {
    var mountPoint: String
    var type: String
  }
  struct Network: Decodable {
    struct Interface: Decodable { var addresses: [String]? }
    var interfaces: [Interface]?
  }
  struct Settings: Decodable {
    var stacks: Stacks?
    var roles: Roles?
    var access: Access?
    var storage: Storage?
    var machine: Machine?
  }
  struct Roles: Decodable {
    struct Edge: Decodable { var proxy: String? }
    var edge: Edge?
  }
  struct Machine: Decodable { var timeZone: String? }
  struct Storage: Decodable {
    struct NFS: Decodable {
      struct Mount: Decodable { var mountPoint: String }
      var mounts: [String: Mount]?
    }
    var nfs: NFS?
  }
  struct Stacks: Decodable {
    struct Identity: Decodable {
      var policy: String?
      var user: Int?
      var group: Int?
      var remapBase: Int?
    }
    struct One: Decodable {
      var template: String?
      var parameters: [String: ParameterText]?
      var environment: [String: String]?
      var secrets: [String: String]?
      var exposure: String?
      var host: String?
      var images: [String: String]?
    }
    var own: [String: String]?
    var directory: String?
    var placement: [String: String]?
    var identity: Identity?
    var settings: [String: One]?
  }
  struct ParameterText: Decodable {
    var value: StackParameterValue

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        value = .boolean(flag)
      } else if let number = try? container.decode(Int.self) {
        value = .integer(number)
      } else if let texts = try? container.decode([String].self) {
        value = .list(texts)
      } else {
        value = .string(try container.decode(String.self))
      }
    }
  }

  var name: String
  var system: String
  var fileSystems: [FileSystem]?
  var network: Network?
  var roles: [String]?
  var stacks: [String]?
  var settings: Settings?
}

extension MachineFile {
  func settings(path: String) throws(CatalogueError) -> StackSettings {
    var result = StackSettings(machine: name)
    result.file = path
    result.architecture = system
    let roles = roles ?? []
    result.engine = roles.contains("podman-host") && !roles.contains("docker-host") ? .podman : .docker
    let chosen = settings?.stacks
    result.directory = chosen?.directory ?? result.directory
    result.timeZone = settings?.machine?.timeZone ?? result.timeZone
    for (name, place) in chosen?.placement ?? [:] {
      guard let placement = PlacementClass(rawValue: name) else {
        let known = PlacementClass.allCases.map(\.rawValue).joined(separator: ", ")
        throw CatalogueError(path: path, text: "settings.stacks.placement.\(name) is no class; known are \(known)")
      }
      result.placement[placement] = place
    }
    result.fileSystems =
      (fileSystems ?? []).map { .init(mountPoint: $0.mountPoint, type: $0.type) }
      + (settings?.storage?.nfs?.mounts ?? [:]).values.map { .init(mountPoint: $0.mountPoint, type: "nfs") }
    result.identity = try identity(chosen?.identity, path)
    result.stacks = try (stacks ?? []).map { name throws(CatalogueError) in try instance(name, path) }
    for name in (chosen?.settings ?? [:]).keys.sorted() where !(stacks ?? []).contains(name) {
      throw CatalogueError(
        path: path, text: "settings.stacks.settings.\(name) is for a stack that is not in stacks; add it there")
    }
    result.access = try access(result.stacks, path)
    return result
  }

  private func identity(_ identity: Stacks.Identity?, _ path: String) throws(CatalogueError) -> StackSettings.Identity {
    switch identity?.policy ?? "image" {
    case "image": return .image
    case "fixed": return .fixed(StackOwner(user: identity?.user ?? 2000, group: identity?.group ?? 2000))
    case "userns-remap": return .remapped(base: identity?.remapBase ?? 100_000)
    default:
      throw CatalogueError(path: path, text: "settings.stacks.identity.policy takes fixed, userns-remap or image")
    }
  }

  private func instance(_ name: String, _ path: String) throws(CatalogueError) -> StackSettings.Instance {
    let chosen = settings?.stacks?.settings?[name]
    var instance = StackSettings.Instance(name, template: chosen?.template)
    instance.parameters = (chosen?.parameters ?? [:]).mapValues(\.value)
    instance.environment = chosen?.environment ?? [:]
    instance.secrets = chosen?.secrets ?? [:]
    instance.host = chosen?.host
    instance.images = chosen?.images ?? [:]
    if let text = chosen?.exposure {
      guard let exposure = StackExposure(rawValue: text) else {
        throw CatalogueError(path: path, text: "settings.stacks.settings.\(name).exposure takes lan, vpn or public")
      }
      instance.exposure = exposure
    }
    return instance
  }
}
