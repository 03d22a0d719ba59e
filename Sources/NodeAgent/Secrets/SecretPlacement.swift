import AgentProtocol
import FoundationEssentials
import Glibc
import NodeFiles

/// Where the services of a node find their secrets, as its configuration says it in ``path``
/// (`templates/modules/secrets.nix`).
public struct SecretPlacement: Sendable, Codable {
  public static let path = "/etc/bootstead/secrets.json"
  /// In memory, gone with a restart.
  static let folder = "/run/bootstead/secrets"

  public struct Secret: Sendable, Codable {
    public var name: String
    /// The user that may read it: by name, or `USER:GROUP` in numbers for one that only a container has.
    public var owner: String
    /// Below ``SecretPlacement/folder``.
    public var path: String
    /// The systemd units that use it.
    public var units: [String]?
  }

  /// 1
  var schema: Int
  var secrets: [Secret]

  /// - Parameter path: with the root before it.
  /// - Throws: ``NodeSecretError``.
  public static func read(_ path: String) throws -> SecretPlacement {
    guard let bytes = FileSystemEntry(path).bytes(limit: 1 << 20) else { throw NodeReportError.missing(path) }
    let placement: SecretPlacement
    do { placement = try MessageCoder.decode(SecretPlacement.self, from: bytes) } catch {
      throw NodeReportError.malformed(path, "\(error)")
    }
    guard placement.schema == 1 else {
      throw NodeReportError.malformed(path, "it has the schema \(placement.schema), and this agent knows 1")
    }
    for secret in placement.secrets {
      guard HandOff.isSafe(secret.name), secret.path == "\(folder)/\(secret.name)" else {
        throw NodeReportError.malformed(path, "the secret '\(secret.name.prefix(100))' is not to lie in \(folder)")
      }
    }
    return placement
  }

  /// Lays all secrets down, each readable by its owner alone, and deletes what is no longer listed. Those that the node
  /// has are laid down even where another one is missing. Safe to run again.
  /// - Throws: ``NodeSecretError/missing(_:)`` with the names of what the node has not; ``FileError``, ``AgeError``.
  public func apply(root: String, from secrets: NodeSecrets) throws {
    let folder = root + Self.folder
    // Services find their own file in it, and see no others' names.
    try WholeFile.makeFolder(folder, mode: 0o711)
    for name in FileSystemEntry(folder).children where !self.secrets.contains(where: { $0.name == name }) {
      let path = "\(folder)/\(name)"
      guard unlink(path) == 0 || errno == ENOENT else { throw FileError("delete", path, error: errno) }
    }
    let users = SystemUsers(root: root)
    var missing: [String] = []
    for secret in self.secrets {
      guard let owner = users.owner(secret.owner) else {
        throw NodeSecretError.noSuchUser(secret.owner, secret: secret.name)
      }
      do {
        try WholeFile.write(secrets.open(secret.name), to: root + secret.path, mode: 0o400, owner: owner)
      } catch NodeSecretError.missing {
        missing.append(secret.name)
      }
    }
    guard missing.isEmpty else { throw NodeSecretError.missing(missing) }
  }

  /// The units that use one of these.
  func units(using names: Set<String>) -> [String] {
    Set(secrets.filter { names.contains($0.name) }.flatMap { $0.units ?? [] }).sorted()
  }
}

/// The users of the system's own list. Name services of the C library need programs loaded at run time, which a static
/// program can not do.
struct SystemUsers {
  private var owners: [String: WholeFile.Owner] = [:]

  init(root: String) {
    for line in (FileSystemEntry(root + "/etc/passwd").text(limit: 1 << 20) ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count >= 4, let user = uid_t(fields[2]), let group = gid_t(fields[3]) else { continue }
      owners[String(fields[0])] = WholeFile.Owner(user: user, group: group)
    }
  }

  func owner(_ name: String) -> WholeFile.Owner? {
    if name == "root" { return WholeFile.Owner(user: 0, group: 0) }
    if let owner = owners[name] { return owner }
    let numbers = name.split(separator: ":", omittingEmptySubsequences: false)
    guard numbers.count == 2, let user = uid_t(numbers[0]), let group = gid_t(numbers[1]), user != .max, group != .max
    else { return nil }
    return WholeFile.Owner(user: user, group: group)
  }
}

/// Why services do not get their secrets.
public enum NodeSecretError: Error, Sendable, Equatable, CustomStringConvertible {
  case missing([String])
  case noSuchUser(String, secret: String)

  public var description: String {
    switch self {
    case .missing(let names):
      "this node does not have \(names.count == 1 ? "the secret" : "the secrets") \(names.joined(separator: ", ")): "
        + "give \(names.count == 1 ? "it" : "each") to the appliance, 'bootstead machine secret NODE NAME < FILE'; "
        + "a machine whose code nobody compared gets only those that were stored with --first-use"
    case .noSuchUser(let user, let secret):
      "the secret '\(secret)' is for the user '\(user)', who is not in /etc/passwd"
    }
  }
}
