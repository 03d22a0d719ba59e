/// Which folders of a machine lie on whose NFS export.
struct SharedFolders {
  private var mounts: [(mountPoint: String, export: String)] = []
  private let own: [String]

  /// - Parameter own: mount points of the machine's own file systems.
  init(_ settings: JSONValue, own: [String]) {
    self.own = own
    for mount in (settings["storage"]?["nfs"]?["mounts"]?.fields ?? [:]).values {
      guard let point = mount["mountPoint"]?.text, let server = mount["server"]?.text,
        let export = mount["export"]?.text
      else { continue }
      mounts.append((point, "\(server):\(export)"))
    }
  }

  /// Where a folder lies on an NFS server; nil where it lies on the machine.
  func place(of folder: String) -> String? {
    func holds(_ point: String) -> Bool { folder == point || folder.hasPrefix(point + "/") }
    guard let mount = mounts.filter({ holds($0.mountPoint) }).max(by: { $0.mountPoint.count < $1.mountPoint.count }),
      !own.contains(where: { holds($0) && $0.count > mount.mountPoint.count })
    else { return nil }
    return mount.export + folder.dropFirst(mount.mountPoint.count)
  }
}
