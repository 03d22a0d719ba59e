/// Where the appliance answers HTTP: `http://ADDRESS[:PORT]`, without a path.
public struct ApplianceURL: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// - Throws: ``IPXEValueError/invalidURL(_:reason:)`` for another scheme, a path, a user name, or a character that
  ///   no host name has.
  public init(_ text: String) throws(IPXEValueError) {
    let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
    guard let scheme else { throw .invalidURL(text, reason: "it has to begin with http:// or https://") }
    let authority = text.dropFirst(scheme.count)
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard let host = parts.first, parts.count <= 2, (1...253).contains(host.utf8.count) else {
      throw .invalidURL(text, reason: "it needs a host, and at most one port")
    }
    guard host.utf8.allSatisfy({ $0.isASCIILetterOrDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }),
      host.first != "-", host.first != "."
    else { throw .invalidURL(text, reason: "a host has only letters, digits, '.' and '-'") }
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(parts[1]), port > 0 else {
        throw .invalidURL(text, reason: "a port is a number from 1 to 65535")
      }
    }
    self.text = text
  }

  public var description: String { text }
}

/// An absolute path on the appliance, as `/boot/images/debian/kernel`.
public struct URLPath: Hashable, Sendable, CustomStringConvertible {
  public static let maximumLength = 255

  public let text: String

  /// - Throws: ``IPXEValueError`` for a path that does not begin with `/`, has an empty, `.` or `..` part, or any
  ///   character but ASCII letters, digits and `. _ - ~ + =`. Firmware asks for a path exactly as it is written, and
  ///   EDK2 does not follow redirects, so there is one spelling only.
  public init(_ text: String) throws(IPXEValueError) {
    guard text.utf8.count <= URLPath.maximumLength else {
      throw .tooLong(what: "the path", length: text.utf8.count, limit: URLPath.maximumLength)
    }
    guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count > 1 else {
      throw .invalidURL(text, reason: "a path begins with '/' and names a file")
    }
    let allowed = Set("/._-~+=".utf8)
    if let fault = text.utf8.enumerated().first(where: {
      !$0.element.isASCIILetterOrDigit && !allowed.contains($0.element)
    }) {
      throw .forbiddenCharacter(what: "the path", position: fault.offset)
    }
    let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard !parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else {
      throw .invalidURL(text, reason: "it has an empty, '.' or '..' part")
    }
    self.text = text
  }

  public var description: String { text }
}
