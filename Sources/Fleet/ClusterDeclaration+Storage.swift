/// A volume of a machine's thin pool that claims of pods could be on.
public struct ClusterVolume: Sendable, Hashable {
  public var name: String
  public var mountPoint: String

  public init(name: String, mountPoint: String) { (self.name, self.mountPoint) = (name, mountPoint) }
}

/// Where a cluster keeps the data of its pods.
public struct ClusterStorage: Codable, Sendable, Hashable {
  /// The mount point on all of its machines; nil: the root file system, which a rebuild erases.
  public var path: String?
  /// Members without a volume there, or whose settings do not name it.
  public var missing: [String]

  public init(path: String?, missing: [String]) { (self.path, self.missing) = (path, missing) }

  /// What to do; nil where nothing is.
  public func advice(_ cluster: DeclaredCluster) -> String? {
    guard !missing.isEmpty else { return nil }
    let wanted = path ?? ClusterDeclaration.storagePath
    return
      "data of pods on \(missing.joined(separator: ", ")) lies on the root file system, which a rebuild erases: there is "
      + "no volume on \(wanted). Declare one in their machines/NAME.json, as \"layout\": {\"volumes\": [{\"name\": "
      + "\"kubernetes\", \"size\": \"50%\", \"mountPoint\": \"\(wanted)\"}]}, and run this again; a machine gets it with its "
      + "next install"
  }
}

extension ClusterDeclaration {
  /// The mount point of the option `storage.k8s-local.path`.
  static let storagePath = "/srv/kubernetes"
  private static let storage = ["settings", "storage", "k8s-local"]

  /// Where the members of a cluster keep the data of their pods.
  public func storage(of cluster: DeclaredCluster) throws(FleetError) -> ClusterStorage {
    guard let first = cluster.members.first(where: { $0.kind == .first }) else {
      return ClusterStorage(path: nil, missing: cluster.members.map(\.machine))
    }
    let path = try storagePath(of: first.machine)
    var missing: [String] = []
    for member in cluster.members {
      let own = try storagePath(of: member.machine)
      if path == nil || own != path { missing.append(member.machine) }
    }
    return ClusterStorage(path: path, missing: missing)
  }

  /// Has claims on the thin pool of machines that have a volume for them. All members keep them at one path: k3s has one
  /// for the whole cluster, that of its servers.
  mutating func declareStorage(of machines: [String], first: String) throws(FleetError) {
    var path = try storagePath(of: first)
    for machine in [first] + machines {
      guard try storagePath(of: machine) == nil else { continue }
      let known = try volumes(of: machine)
      let volume =
        if let path {
          known.first { $0.mountPoint == path }
        } else {
          known.first { $0.mountPoint == Self.storagePath } ?? known.first { $0.name == "kubernetes" }
        }
      guard let volume else {
        if machine == first { return }
        continue
      }
      try editor.set(
        .object(["enable": .bool(true), "path": .text(volume.mountPoint)]), at: Self.storage, of: machine)
      path = path ?? volume.mountPoint
    }
  }

  /// The path that a machine's settings name; nil where they name none.
  private func storagePath(of machine: String) throws(FleetError) -> String? {
    let settings = try editor.settings(of: machine)[["storage", "k8s-local"]]
    guard settings?["enable"]?.isTrue == true else { return nil }
    // TopoLVM makes a volume for each claim.
    return settings?["path"]?.text ?? Self.storagePath
  }

  private func volumes(of machine: String) throws(FleetError) -> [ClusterVolume] {
    guard let layout = try editor.own("layout", of: machine) else { return volumes[machine] ?? [] }
    return (layout["volumes"]?.values ?? []).compactMap { volume in
      guard let name = volume["name"]?.text, let mountPoint = volume["mountPoint"]?.text else { return nil }
      return ClusterVolume(name: name, mountPoint: mountPoint)
    }
  }
}
