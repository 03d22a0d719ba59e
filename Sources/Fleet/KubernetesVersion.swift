/// A version of k3s, as `v1.33.4+k3s1`: that of Kubernetes with a build's number.
public struct KubernetesVersion: Hashable, Sendable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  public var description: String

  /// - Returns: nil where the text is none.
  public init?(_ text: String) {
    guard let match = text.wholeMatch(of: /v?([0-9]{1,4})\.([0-9]{1,4})\.[0-9][0-9A-Za-z.+\-]*/),
      let major = Int(match.1), let minor = Int(match.2)
    else { return nil }
    (self.major, self.minor, description) = (major, minor, text)
  }

  /// The k3s of a closure.
  /// - Parameter paths: its store paths' names, without their hashes.
  public init?(packages paths: [String]) {
    guard let version = paths.lazy.filter({ $0.hasPrefix("k3s-") }).compactMap({ Self(String($0.dropFirst(4))) }).first
    else { return nil }
    self = version
  }

  /// Why a node must not change to this version: etcd's and the API's state go over one minor version at a time
  /// (https://kubernetes.io/releases/version-skew-policy), and never back.
  /// - Parameter versions: of the node itself and of the cluster's servers.
  public func refusal(after versions: [KubernetesVersion]) -> String? {
    func name(_ major: Int, _ minor: Int) -> String { "\(major).\(minor)" }
    let wanted = name(major, minor)
    if let other = versions.first(where: { $0.major != major }) { return "it runs \(other), and \(self) is wanted" }
    guard let oldest = versions.map(\.minor).min() else { return nil }
    if minor > oldest + 1 {
      return "k3s \(name(major, oldest)) runs and \(wanted) is wanted: no minor version is left out, first "
        + name(major, oldest + 1)
    }
    if minor < oldest {
      return
        "k3s \(name(major, oldest)) runs and \(wanted) is wanted: k3s does not go back; a copy of etcd from before does"
    }
    return nil
  }
}
