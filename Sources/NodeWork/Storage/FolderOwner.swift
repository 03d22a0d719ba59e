import Glibc
import StackSet

/// Whether a volume's folder belongs to whom its containers run as.
struct FolderOwner: Sendable {
  let volume: StackVolume

  init(_ volume: StackVolume) { self.volume = volume }

  var problem: String? {
    var status = stat()
    guard stat(volume.path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else { return "\(volume.path) is no folder" }
    guard status.st_uid != uid_t(volume.owner.user) || status.st_gid != gid_t(volume.owner.group) else { return nil }
    return "\(volume.path) belongs to \(status.st_uid):\(status.st_gid), and its containers run as "
      + "\(volume.owner.user):\(volume.owner.group); 'bootstead-agent storage audit --repair' changes that"
  }
}
