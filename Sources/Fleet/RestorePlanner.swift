import DiskLayout
import Foundation

/// Tells of each stack whether a rebuild loses its data, and where that could come back from.
///
/// Data is restored only where all of it is lost that the archives hold. A file system that the rebuild does not make anew,
/// be it a volume of the group that is kept, a ZFS data set or an NFS mount, is never written over. Whether the data on other
/// disks of the machine is there, nobody knows before its new system runs: the installer does not look at them.
struct RestorePlanner {
  private enum Fate { case kept, lost, unseen }

  /// Mount points of the machine's own layout, and whether what is on them is lost.
  private let own: [(mountPoint: String, fate: Fate)]
  /// Mount points of what the installer never touches.
  private let others: [(mountPoint: String, fate: Fate)]
  private let sources: BackupSources

  /// - Parameter isGroupKept: the data volume group is taken over as it is.
  init(_ machine: Machine, plan: LayoutPlan, isGroupKept: Bool) {
    own = plan.fileSystems.map { fileSystem in
      guard case .volume = fileSystem.device else { return (fileSystem.mountPoint, .lost) }
      return (fileSystem.mountPoint, isGroupKept ? .kept : .lost)
    }
    let storage = machine.choices.settings["storage"]?.fields ?? [:]
    // What another machine serves did not die with this one's disks.
    var others: [(mountPoint: String, fate: Fate)] = []
    for (design, value) in storage {
      let fate: Fate = design == "nfs" ? .kept : .unseen
      for mountPoint in Self.mountPoints(value, of: design) { others.append((mountPoint, fate)) }
    }
    self.others = others
    sources = BackupSources(machine.choices.settings, stacks: machine.stacks)
  }

  func restores(of stacks: [StackData]) -> [StackRestore] { stacks.map(restore) }

  func restore(_ data: StackData) -> StackRestore {
    guard !data.folders.isEmpty else {
      return StackRestore(data, state: .nothing, reason: "it keeps nothing that has to be restored")
    }
    let fates = data.folders.map { (folder: $0, fate: fate($0)) }
    let kept = fates.filter { $0.fate == .kept }.map { $0.folder }
    let unseen = fates.filter { $0.fate == .unseen }.map { $0.folder }
    if kept.count == data.folders.count {
      return StackRestore(data, state: .survived, reason: "its data stays, so nothing needs to be restored")
    }
    var restore = StackRestore(data, state: .planned)
    let source = sources.source(of: data, kept: kept)
    if case .repository(let plan, let repository, _) = source {
      (restore.plan, restore.repository) = (plan, repository)
    }
    if !unseen.isEmpty {
      restore.state = .unseen
      restore.reason =
        "the rebuild does not touch \(unseen.joined(separator: ", ")), and whether the data there is alive is not known; the "
        + "node says so once it runs"
        + (restore.plan == nil ? ". No backup plan that could bring it back holds it" : "")
      return restore
    }
    switch source {
    case .none(let reason): (restore.state, restore.reason) = (.notBackedUp, reason + ": its data is lost")
    case .repository(_, _, let sparesKept):
      guard !sparesKept else { break }
      restore.inPart(lost: data.folders.filter { !kept.contains($0) }, kept: kept)
    }
    return restore
  }

  private func fate(_ folder: String) -> Fate {
    func holding(_ all: [(mountPoint: String, fate: Fate)]) -> (mountPoint: String, fate: Fate)? {
      all.filter { $0.mountPoint == "/" || folder == $0.mountPoint || folder.hasPrefix($0.mountPoint + "/") }
        .max { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }
    }
    let other = holding(others)
    guard let mine = holding(own), mine.mountPoint.utf8.count > other?.mountPoint.utf8.count ?? 0 else {
      return other?.fate ?? .lost
    }
    return mine.fate
  }

  /// All mount points that a design of storage has, of whatever they are.
  private static func mountPoints(_ value: JSONValue, of design: String) -> [String] {
    let named = mountPoints(value)
    // As in templates/storage/os-data-backup.nix.
    return named.isEmpty && design == "os-data-backup" ? ["/srv/data"] : named
  }

  private static func mountPoints(_ value: JSONValue) -> [String] {
    switch value {
    case .object(let fields):
      fields.flatMap { name, value -> [String] in
        if name == "mountPoint", case .text(let path) = value { return [path] }
        return mountPoints(value)
      }
    case .array(let values): values.flatMap(mountPoints)
    case .null, .bool, .integer, .number, .text: []
    }
  }
}
