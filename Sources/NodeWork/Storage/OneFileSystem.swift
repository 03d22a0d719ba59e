import StackSet

/// Whether media and downloads lie on one file system: only then a finished download is moved by a rename, or linked, and
/// not copied.
public struct OneFileSystem: Sendable, Hashable, Codable {
  public enum Answer: String, Sendable, Hashable, Codable {
    case one, several
    /// There are not both of them.
    case notAsked = "not asked"
  }

  public var answer: Answer
  /// In words, with the folders.
  public var text: String

  public init(_ set: StackSet) { self.init(set, device: DeviceNumber.of) }

  /// - Parameter device: the number of the file system that a path lies on; nil where nothing is there.
  init(_ set: StackSet, device: (String) -> UInt64?) {
    func found(_ class: PlacementClass) -> [(path: String, device: UInt64)] {
      var seen: Set<String> = []
      return set.stacks.flatMap(\.volumes).filter { $0.class == `class` && seen.insert($0.path).inserted }
        .compactMap { volume in device(volume.path).map { (volume.path, $0) } }
    }
    let (media, downloads) = (found(.media), found(.downloads))
    guard let first = media.first, !downloads.isEmpty || media.count > 1 else {
      answer = .notAsked
      text = "media and downloads: no stack here has folders of both"
      return
    }
    if let other = (media + downloads).first(where: { $0.device != first.device }) {
      answer = .several
      text =
        "\(first.path) and \(other.path) lie on different file systems: each download is copied and kept twice; "
        + "put media and downloads on one"
    } else {
      answer = .one
      text = "media and downloads lie on one file system: \((media + downloads).map(\.path).joined(separator: ", "))"
    }
  }
}
