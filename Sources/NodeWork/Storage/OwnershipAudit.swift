import Glibc
import StackSet

/// Looks through volumes for what does not belong to whom their containers run as, and gives it to them.
///
/// Folders are opened one from the other, and no link is followed: what a container puts there while this works leads
/// nowhere else.
public struct OwnershipAudit: Sendable {
  /// What was found in one volume.
  public struct Finding: Sendable, Hashable, Codable {
    public var stack: String
    public var volume: String
    public var path: String
    /// `USER:GROUP`, as declared.
    public var owner: String
    /// Files and folders looked at, the volume's own folder among them.
    public var entries: Int
    public var wrong: Int
    /// The first of those, each with its owner.
    public var examples: [String]
    /// Whether several stacks use it: then only its own folder is looked at, and nothing is changed.
    public var isShared: Bool
    /// Those that were changed.
    public var repaired = 0
  }

  /// Examples of each volume.
  public static let exampleLimit = 5
  /// Folders in folders. Deeper ones are an error: nothing is passed over in silence.
  static let depthLimit = 512

  let set: StackSet

  public init(set: StackSet) { self.set = set }

  /// - Parameter target: `STACK` or `STACK/VOLUME`; all where there is none.
  public func volumes(_ target: String?) throws(NodeWorkError) -> [(stack: String, volume: StackVolume)] {
    guard let target else { return set.stacks.flatMap { stack in stack.volumes.map { (stack.name, $0) } } }
    let parts = target.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let stack = try set.stack(parts[0])
    guard parts.count > 1 else { return stack.volumes.map { (stack.name, $0) } }
    guard let volume = stack.volumes.first(where: { $0.name == parts[1] }) else {
      throw NodeWorkError(
        .unknownStack, "the stack \(stack.name) has no volume “\(parts[1])”",
        advice: "it has \(stack.volumes.map(\.name).joined(separator: ", "))")
    }
    return [(stack.name, volume)]
  }

  /// - Parameter repairs: gives what is wrong to whom it was declared. It can be done again at any time.
  public func audit(_ target: String? = nil, repairs: Bool = false) throws(NodeWorkError) -> [Finding] {
    var findings: [Finding] = []
    for (stack, volume) in try volumes(target) where DurableFile.exists(volume.path) {
      var finding = Finding(
        stack: stack, volume: volume.name, path: volume.path, owner: "\(volume.owner.user):\(volume.owner.group)",
        entries: 0, wrong: 0, examples: [], isShared: volume.isShared)
      var walk = Walk(volume: volume, repairs: repairs && !volume.isShared)
      try walk.run(&finding)
      findings.append(finding)
    }
    return findings
  }

  private struct Walk {
    let volume: StackVolume
    let repairs: Bool
    private var device: dev_t = 0

    init(volume: StackVolume, repairs: Bool) {
      self.volume = volume
      self.repairs = repairs
    }

    mutating func run(_ finding: inout Finding) throws(NodeWorkError) {
      let descriptor = open(volume.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure("open", volume.path) }
      var status = stat()
      guard fstat(descriptor, &status) == 0 else {
        close(descriptor)
        throw failure("look at", volume.path)
      }
      device = status.st_dev
      finding.entries += 1
      if isWrong(status) {
        note(volume.path, status, &finding)
        if repairs {
          guard fchown(descriptor, uid_t(volume.owner.user), gid_t(volume.owner.group)) == 0 else {
            close(descriptor)
            throw failure("change the owner of", volume.path)
          }
          finding.repaired += 1
        }
      }
      // Of a shared folder only this is known: who writes below it is each stack's own matter.
      if volume.isShared {
        close(descriptor)
        return
      }
      try enter(descriptor, volume.path, 0, &finding)
    }

    /// Closes the descriptor.
    private func enter(
      _ descriptor: Int32, _ path: String, _ depth: Int, _ finding: inout Finding
    ) throws(NodeWorkError) {
      guard let folder = fdopendir(descriptor) else {
        close(descriptor)
        throw failure("read", path)
      }
      defer { closedir(folder) }
      guard depth < OwnershipAudit.depthLimit else {
        throw NodeWorkError(.file, "\(path) lies \(depth) folders deep; it was not looked through")
      }
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        let place = path + "/" + name
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
          // It was removed meanwhile.
          if errno == ENOENT { continue }
          throw failure("look at", place)
        }
        // Another file system has been mounted there.
        guard status.st_dev == device else { continue }
        finding.entries += 1
        if isWrong(status) {
          note(place, status, &finding)
          if repairs {
            let user = uid_t(volume.owner.user)
            if fchownat(descriptor, name, user, gid_t(volume.owner.group), AT_SYMLINK_NOFOLLOW) == 0 {
              finding.repaired += 1
            } else if errno != ENOENT {
              throw failure("change the owner of", place)
            }
          }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { continue }
        let inner = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inner < 0 {
          if [ENOENT, ELOOP, ENOTDIR].contains(errno) { continue }
          throw failure("open", place)
        }
        try enter(inner, place, depth + 1, &finding)
      }
    }

    private func isWrong(_ status: stat) -> Bool {
      status.st_uid != uid_t(volume.owner.user) || status.st_gid != gid_t(volume.owner.group)
    }

    private func note(_ path: String, _ status: stat, _ finding: inout Finding) {
      finding.wrong += 1
      if finding.examples.count < OwnershipAudit.exampleLimit {
        finding.examples.append("\(path) (\(status.st_uid):\(status.st_gid))")
      }
    }

    private func failure(_ verb: String, _ path: String) -> NodeWorkError {
      NodeWorkError(.file, "can not \(verb) \(path): \(String(cString: strerror(errno)))")
    }
  }
}
