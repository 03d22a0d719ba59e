import StackSet

/// Where a machine's routes are read from.
public struct AccessSources: Sendable {
  public static let standardSet = "/etc/bootstead/stacks.json"
  public static let standardList = "/etc/bootstead/access.json"

  public let set: StackSet?
  public let list: AccessList?

  /// - Parameters:
  ///   - set: the compiled stack set; nil: this machine's, where it has one.
  ///   - list: the routes of the settings; nil: this machine's, where it has some, and none beside a set that is named.
  /// - Throws: ``NodeWorkError`` where what is named is not there, what is there can not be used, and where there is
  ///   nothing at all.
  public init(set: String?, list: String?, standardSet: String = standardSet, standardList: String = standardList)
    throws(NodeWorkError)
  {
    var (set, list) = (set, list)
    // What is named is another machine's, whose routes this one's are not mixed with.
    if set == nil, list == nil {
      set = try Self.there(standardSet)
      list = try Self.there(standardList)
    }
    if let list { self.list = try Self.read(list) } else { self.list = nil }
    if let set { self.set = try StackEngine.read(set) } else { self.set = nil }
    guard self.set != nil || self.list != nil else {
      throw NodeWorkError(
        .configuration, "there is neither \(standardSet) nor \(standardList), so this machine has no routes",
        advice: "run it on a node that has some, or name a copy of its set with --set")
    }
  }

  private static func there(_ path: String) throws(NodeWorkError) -> String? {
    try DurableFile.bytes(of: path) == nil ? nil : path
  }

  private static func read(_ path: String) throws(NodeWorkError) -> AccessList {
    guard let bytes = try DurableFile.bytes(of: path) else {
      throw NodeWorkError(.configuration, "there is no \(path)", advice: "name the routes of the settings")
    }
    do { return try AccessList(bytes) } catch {
      throw NodeWorkError(.configuration, "\(path): \(error)", advice: "have the appliance build the system again")
    }
  }
}
