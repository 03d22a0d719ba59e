import StackSet

extension StackSet {
  public func stack(_ name: String) throws(NodeWorkError) -> CompiledStack {
    guard let stack = stacks.first(where: { $0.name == name }) else {
      let known = stacks.map(\.name).joined(separator: ", ")
      throw NodeWorkError(
        .unknownStack, "there is no stack “\(name)” on this machine",
        advice: known.isEmpty ? "none was applied yet" : "there are \(known)")
    }
    return stack
  }
}

extension StackSecret {
  /// The name in the reference.
  var secretName: String { String(reference.dropFirst("secret:".count)) }
}
