#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Finds the programs that hold a UDP port, as far as this process may see them.
enum PortHolders {
  /// Like `dnsmasq (process 812)`; empty where nothing can be seen.
  static func find(port: Int) -> [String] {
    let inodes = socketInodes(port: port)
    guard !inodes.isEmpty else { return [] }
    let own = "\(getpid())"
    return entries(of: "/proc").filter { $0 != own && $0.utf8.allSatisfy(isDigit) }.compactMap { process in
      guard entries(of: "/proc/\(process)/fd").contains(where: { isSocket("/proc/\(process)/fd/\($0)", inodes) }) else {
        return nil
      }
      let name = text(of: "/proc/\(process)/comm").split(separator: "\n").first.map(String.init) ?? "?"
      return "\(name) (process \(process))"
    }
  }

  /// From lines like `  12: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 12345 2 …`.
  private static func socketInodes(port: Int) -> Set<String> {
    var inodes: Set<String> = []
    for line in text(of: "/proc/net/udp").split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      guard fields.count > 9, let local = fields[1].split(separator: ":").last, Int(local, radix: 16) == port else {
        continue
      }
      inodes.insert("socket:[\(fields[9])]")
    }
    return inodes
  }

  private static func isSocket(_ path: String, _ inodes: Set<String>) -> Bool {
    var buffer = [CChar](repeating: 0, count: 64)
    let length = readlink(path, &buffer, buffer.count)
    guard length > 0 else { return false }
    let target = buffer.prefix(length).map { UInt8(bitPattern: $0) }
    return inodes.contains(String(decoding: target, as: UTF8.self))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func entries(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.first != UInt8(ascii: ".") { names.append(String(decoding: name, as: UTF8.self)) }
    }
    return names
  }

  private static func text(of path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    while bytes.count < 4 << 20 {
      let count = read(file, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
