/// Where a mirror lies: a folder of this machine, or one that is reached by SSH.
struct RsyncTarget: Sendable, Hashable {
  /// `USER@HOST`; nil for a folder of this machine.
  var host: String?
  var port: UInt16?
  var path: String

  /// As rsync takes it, with a slash at its end.
  var argument: String { (host.map { $0 + ":" } ?? "") + path + (path.hasSuffix("/") ? "" : "/") }

  /// - Parameter url: `/FOLDER`, `USER@HOST:/FOLDER`, or `ssh://USER@HOST:PORT/FOLDER`.
  init(_ url: String) throws(NodeWorkError) {
    let refused = NodeWorkError(
      .configuration, "“\(url)” is no target for rsync",
      advice: "take '/FOLDER', 'USER@HOST:/FOLDER' or 'ssh://USER@HOST:PORT/FOLDER'")
    guard !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else { throw refused }
    if url.hasPrefix("/") {
      path = url
      return
    }
    var rest = Substring(url)
    if url.hasPrefix("ssh://") {
      rest = rest.dropFirst(6)
      guard let slash = rest.firstIndex(of: "/") else { throw refused }
      var authority = rest[..<slash]
      // Behind an IPv6 address's bracket, if there is one.
      let tail = authority.lastIndex(of: "]").map { authority[$0...] } ?? authority
      if let colon = tail.lastIndex(of: ":") {
        guard let number = UInt16(tail[tail.index(after: colon)...]), number > 0 else { throw refused }
        port = number
        authority = authority[..<colon]
      }
      host = String(authority)
      path = String(rest[slash...])
    } else {
      // rsync's own protocol is neither encrypted nor is its server known by a key.
      guard !url.contains("://"), !url.contains("::") || url.contains("]:") else { throw refused }
      let from = rest.lastIndex(of: "]") ?? rest.startIndex
      guard let colon = rest[from...].firstIndex(of: ":") else { throw refused }
      host = String(rest[..<colon])
      path = String(rest[rest.index(after: colon)...])
    }
    guard let host, !host.isEmpty, !host.hasPrefix("-"), !host.hasPrefix("@"), !path.isEmpty, !path.hasPrefix(":")
    else {
      throw refused
    }
  }
}
