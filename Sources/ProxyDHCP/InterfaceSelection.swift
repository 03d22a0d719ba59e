/// Finds the interfaces that the operator named.
enum InterfaceSelection {
  static func select(_ names: [String]) throws(ProxyDHCPError) -> [NetworkInterface] {
    let all: [NetworkInterface]
    do { all = try NetworkInterface.all() } catch { throw .cannotListInterfaces(reason: "\(error)") }
    guard !names.isEmpty else { throw .noInterfaces(available: all.map(\.name)) }
    var selected: [NetworkInterface] = []
    for name in names where !selected.contains(where: { $0.name == name }) {
      guard let interface = all.first(where: { $0.name == name }) else {
        throw .noSuchInterface(name, available: all.map(\.name))
      }
      guard !interface.addresses.isEmpty else { throw .interfaceWithoutAddress(name) }
      selected.append(interface)
    }
    return selected
  }
}
