/// The roles that a machine may have: those that the templates have.
public struct KnownRoles: Sendable {
  public let names: [String]

  public init(_ names: [String]) { self.names = names }

  /// What is wrong with a role; nil where there is one of that name.
  func problem(_ role: String) -> String? {
    names.contains(role)
      ? nil : "there is no role '\(displayable(role, limit: 80))'; known are \(names.joined(separator: ", "))"
  }

  /// - Parameter text: comma separated names, as the operator gives them.
  /// - Throws: ``FleetError/invalidValue(field:reason:)`` for what is no name, or the name of no role.
  public func check(_ text: String) throws(FleetError) {
    for role in try checkedRoles(text).split(separator: ",") {
      if let problem = problem(String(role)) { throw .invalidValue(field: "role", reason: problem) }
    }
  }
}
