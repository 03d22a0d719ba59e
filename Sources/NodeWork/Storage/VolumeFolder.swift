import Glibc
import ProgramRunner
import StackSet

/// The folder of a volume on the node.
struct VolumeFolder: Sendable {
  let volume: StackVolume

  init(_ volume: StackVolume) { self.volume = volume }

  /// Makes it, with its owner, where it is not there. What is there is left as it is: an owner that differs is for the
  /// ownership audit to say.
  func prepare(_ runner: any CommandRunner) async throws(NodeWorkError) {
    if DurableFile.exists(volume.path) { return }
    try DurableFile.makeFolder(DurableFile.folder(of: volume.path), mode: 0o755)
    // Under another name first: a folder that is there has its owner.
    let new = volume.path + ".new"
    try DurableFile.makeFolder(new, mode: volume.isShared ? 0o775 : 0o750)
    guard chown(new, uid_t(volume.owner.user), gid_t(volume.owner.group)) == 0 else {
      throw NodeWorkError(
        .file,
        "can not give \(volume.path) to \(volume.owner.user):\(volume.owner.group): "
          + String(cString: strerror(errno)))
    }
    try DurableFile.move(new, to: volume.path)
  }
}
