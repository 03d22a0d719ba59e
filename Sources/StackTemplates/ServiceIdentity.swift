import StackSet

/// How a service lets others choose whom it runs as.
struct ServiceIdentity {
  enum Form { case variables, user }

  var form: Form
  /// Whom the template names.
  var owner: StackOwner

  /// Nil: it runs as whom its image names.
  init?(_ service: ComposeService) {
    if let user = service.user, let owner = Self.owner(user.text) {
      (form, self.owner) = (.user, owner)
      return
    }
    func number(_ name: String) -> Int? {
      service.environment.first { $0.name == name }?.value.flatMap(Self.plain).flatMap { Int($0) }
    }
    guard let user = number("PUID"), let group = number("PGID") else { return nil }
    (form, owner) = (.variables, StackOwner(user: user, group: group))
  }

  /// `USER:GROUP`, or `USER` alone, whose group is the same.
  static func owner(_ text: String) -> StackOwner? {
    guard let plain = plain(text) else { return nil }
    return StackOwner(plain) ?? StackOwner(plain + ":" + plain)
  }

  /// The text with variables at their defaults.
  private static func plain(_ text: String) -> String? {
    guard let interpolation = try? Interpolation(text) else { return nil }
    return interpolation.resolved { $0.standard ?? "" }
  }
}
