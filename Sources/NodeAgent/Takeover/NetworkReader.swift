import NodeFiles

/// Reads the network of the running system from its kernel.
public struct NetworkReader: Sendable {
  let root: FileSystemEntry

  public init(root: String = "/") { self.root = FileSystemEntry(root) }

  /// - Throws: ``RouteSocketError``, ``HandoverError``.
  public func handover() throws -> NetworkHandover {
    var links = RouteMessages.links(in: try RouteSocket.dump(.links))
    for index in links.indices where links[index].permanentMAC.isEmpty {
      // Kernels before 5.6 do not tell the permanent address; a bond does for its members.
      let text = root.appending("sys/class/net/\(links[index].name)/bonding_slave/perm_hwaddr").line
      links[index].permanentMAC = (text ?? "").split(separator: ":").compactMap { UInt8($0, radix: 16) }
    }
    return try HandoverPlan.make(
      links: links, addresses: RouteMessages.addresses(in: try RouteSocket.dump(.addresses)),
      routes: RouteMessages.routes(in: try RouteSocket.dump(.routes)), nameServers: nameServers())
  }

  /// Those that systemd-resolved asks stand behind its own address.
  private func nameServers() -> [String] {
    for path in ["run/systemd/resolve/resolv.conf", "etc/resolv.conf"] {
      let servers = NetworkReader.nameServers(in: root.appending(path).text() ?? "")
      if !servers.isEmpty { return servers }
    }
    return []
  }

  public static func nameServers(in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, words[0] == "nameserver", !words[1].hasPrefix("127."), words[1] != "::1" else {
        return nil
      }
      return String(words[1])
    }
  }
}
