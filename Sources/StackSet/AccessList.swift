import FoundationEssentials

/// Routes that a machine's settings name themselves, beside those of its stacks, as its system lays them down. A machine
/// without stacks has this alone.
public struct AccessList: Codable, Hashable, Sendable {
  public struct Route: Codable, Hashable, Sendable {
    public var name: String
    public var names: [String]
    public var exposure: StackExposure
    /// Where the service answers, as the reverse proxy reaches it.
    public var upstream: String
    /// The identity provider that whoever has no session is sent to first.
    public var login: String?

    public init(name: String, names: [String], exposure: StackExposure, upstream: String, login: String? = nil) {
      (self.name, self.names, self.exposure) = (name, names, exposure)
      (self.upstream, self.login) = (upstream, login)
    }
  }

  public var machine: String
  public var access: AccessExpectation
  public var routes: [Route]

  public init(machine: String, access: AccessExpectation, routes: [Route]) {
    (self.machine, self.access, self.routes) = (machine, access, routes)
  }

  /// - Throws: ``StackSetError`` where the bytes are no such list, or a name of it is none.
  public init(_ bytes: some Collection<UInt8>) throws(StackSetError) {
    guard bytes.count <= StackSet.byteLimit else { throw .tooLarge(bytes.count) }
    do { self = try JSONDecoder().decode(AccessList.self, from: Data(bytes)) } catch { throw .malformed("\(error)") }
    let isName = { (text: String) in
      !text.isEmpty && !text.hasPrefix("-")
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-*".contains($0)) }
    }
    guard routes.flatMap(\.names).allSatisfy(isName) else { throw .malformed("a route has what is no name") }
  }
}
