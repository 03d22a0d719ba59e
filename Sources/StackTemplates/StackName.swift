import StackSet

/// Names of stacks, routes and volumes.
enum StackName {
  /// A REST server takes these for parts of a repository, and not for a folder with one (the paths of Restic's REST API).
  private static let reserved: Set = ["config", "data", "index", "keys", "locks", "snapshots"]

  /// Whether a stack's repository could not have a folder of that name everywhere.
  static func isReserved(_ stack: String) -> Bool { reserved.contains(stack) }

  /// 1 to 63 of a-z, 0-9 and inner hyphens.
  static func isValid(_ text: String) -> Bool {
    guard (1...63).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-"), text.utf8.last != UInt8(ascii: "-")
    else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
      default: false
      }
    }
  }
}

/// Paths below a folder.
enum RelativePath {
  /// `.`, or names with slashes between them, none of which leads up.
  static func isValid(_ text: String) -> Bool {
    if text == "." { return true }
    return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part != "." && part != ".."
        && part.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
          default: false
          }
        }
    }
  }
}

/// Paths of a machine.
enum AbsolutePath {
  /// Below the root, without a part that leads up.
  static func isValid(_ text: String) -> Bool {
    text.hasPrefix("/") && text != "/" && text != "/." && RelativePath.isValid(String(text.dropFirst()))
  }
}

/// Names of hosts and domains.
enum HostName {
  /// Parts of a-z, 0-9 and hyphens with points between them; the first may be `*`.
  static func isValid(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253 else { return false }
    return parts.enumerated().allSatisfy { index, part in
      (index == 0 && part == "*" && parts.count > 1) || StackName.isValid(String(part))
    }
  }
}

/// Sizes as people write them.
enum ByteSize {
  /// Bytes. More in one volume is a slip of the pen, and sums of them would not fit.
  static let largest: UInt64 = 256 << 40

  /// A whole number with MiB, GiB or TiB, at most ``largest``; bytes. Nil where it is none.
  static func parse(_ text: String) -> UInt64? {
    for (unit, shift) in [("MiB", 20), ("GiB", 30), ("TiB", 40)] where text.hasSuffix(unit) {
      let digits = text.dropLast(3)
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits), number > 0,
        number <= largest >> UInt64(shift)
      else { return nil }
      return number << UInt64(shift)
    }
    return nil
  }
}

extension StackOwner {
  /// `USER:GROUP`, numbers from 0 to 65534, who is nobody.
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let user = Int(parts[0]), let group = Int(parts[1]), (0...65534).contains(user),
      (0...65534).contains(group)
    else { return nil }
    self.init(user: user, group: group)
  }
}
