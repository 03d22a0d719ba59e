import DiskLayout
import Foundation

/// Tells of each stack whether a rebuild loses its data, and where that could come back from.
///
/// Data is restored only where all of it is lost. A file system that the rebuild does not make anew, be it a volume of the
/// group that is kept, a ZFS data set or an NFS mount, is never written over.
struct RestorePlanner {
  /// Mount points of the machine's own layout, and whether what is on them is lost.
  private let own: [(mountPoint: String, isLost: Bool)]
  /// Mount points of what the installer never touches.
  private let others: [String]
  private let sources: BackupSources

  /// - Parameter isGroupKept: the data volume group is taken over as it is.
  init(_ machine: Machine, plan: LayoutPlan, isGroupKept: Bool) {
    own = plan.fileSystems.map { fileSystem in
      guard case .volume = fileSystem.device else { return (fileSystem.mountPoint, true) }
      return (fileSystem.mountPoint, !isGroupKept)
    }
    others = machine.choices.settings["storage"].map(Self.mountPoints) ?? []
    sources = BackupSources(machine.choices.settings, stacks: machine.stacks)
  }

  func restores(of stacks: [StackData]) -> [StackRestore] { stacks.map(restore) }

  func restore(_ data: StackData) -> StackRestore {
    guard !data.folders.isEmpty else {
      return StackRestore(data, state: .nothing, reason: "it keeps nothing that has to be restored")
    }
    let kept = data.folders.filter { !isLost($0) }
    if kept.count == data.folders.count {
      return StackRestore(data, state: .survived, reason: "its data stays, so nothing needs to be restored")
    }
    var restore = StackRestore(data, state: .planned)
    switch sources.source(of: data) {
    case .none(let reason): (restore.state, restore.reason) = (.notBackedUp, reason + ": its data is lost")
    case .repository(let plan, let repository):
      (restore.plan, restore.repository) = (plan, repository)
      guard !kept.isEmpty else { break }
      let lost = data.folders.filter { !kept.contains($0) }
      restore.state = .survivedInPart
      restore.reason =
        "\(lost.joined(separator: ", ")) is lost, and \(kept.joined(separator: ", ")) stays; decide by hand, what is there "
        + "is kept beside: bootstead backup restore, with --archive"
    }
    return restore
  }

  private func isLost(_ folder: String) -> Bool {
    func holds(_ mountPoint: String) -> Bool {
      mountPoint == "/" || folder == mountPoint || folder.hasPrefix(mountPoint + "/")
    }
    let mine = own.filter { holds($0.mountPoint) }.max { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }
    let other = others.filter(holds).map(\.utf8.count).max() ?? 0
    guard let mine, mine.mountPoint.utf8.count > other else { return other == 0 }
    return mine.isLost
  }

  /// All mount points that settings of storage name, whatever they are of.
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
