import Foundation

/// A backup plan of a machine's settings whose archives another machine can read. Plans of a module of the owner's are not
/// seen.
struct BorgPlan: Equatable {
  static let design = "borg-per-service"

  var name: String
  /// As the machine calls it, and where it is.
  var repository: String
  var url: String
  /// Nil: all stacks of the machine.
  var stacks: [String]?
  /// The placement classes that are copied; nil: all.
  var classes: [String]?
  /// Where the list stands in the machine's settings.
  var stacksPath: [String]
  /// The names of secrets with passphrases, by stack.
  private var passphrases: [String: String] = [:]
  private var standardPassphrase: String?
  /// What reaching the repository takes beside the passphrase: names of secrets.
  var accessSecrets: [String]
  /// The repository's key is a file on the machine that made it.
  var needsKeyFile: Bool

  static func all(in settings: JSONValue) -> [BorgPlan] {
    let backup = settings["backup"]
    var plans: [BorgPlan] = []
    if let chosen = backup?[design], chosen["enable"]?.isTrue == true,
      var plan = BorgPlan(design, chosen, at: ["backup", design], backup)
    {
      for (stack, reference) in chosen["passphrases"]?.fields ?? [:] {
        plan.passphrases[stack] = reference.text.map(secretName)
      }
      plans.append(plan)
    }
    for (name, chosen) in (backup?["plans"]?.fields ?? [:]).sorted(by: { $0.key < $1.key })
    where chosen["design"]?.text == design {
      guard var plan = BorgPlan(name, chosen, at: ["backup", "plans", name], backup) else { continue }
      for (stack, path) in chosen["settings"]?["passphraseFiles"]?.fields ?? [:] {
        plan.passphrases[stack] = path.text?.split(separator: "/").last.map(String.init)
      }
      plan.stacks = plan.stacks ?? []
      plans.append(plan)
    }
    return plans
  }

  private init?(_ name: String, _ chosen: JSONValue, at path: [String], _ backup: JSONValue?) {
    guard let repository = chosen["repository"]?.text,
      let place = backup?["repositories"]?[repository], let url = place["url"]?.text
    else { return nil }
    (self.name, self.repository, self.url) = (name, repository, url)
    (stacks, stacksPath) = (chosen["stacks"]?.texts, path + ["stacks"])
    classes = (chosen["classes"] ?? chosen["settings"]?["classes"])?.texts
    standardPassphrase = place["passphrase"]?.text.map(Self.secretName)
    accessSecrets =
      ([place["sshKey"]?.text] + (place["environment"]?.fields ?? [:]).values.map(\.text))
      .compactMap { $0.map(Self.secretName) }.sorted()
    let encryption = chosen["encryption"]?.text ?? chosen["settings"]?["encryption"]?.text
    needsKeyFile = encryption?.hasPrefix("keyfile") ?? false
  }

  func holds(_ stack: String) -> Bool { stacks?.contains(stack) ?? true }

  /// Whether it copies a volume of a stack that it holds.
  func copies(_ volume: StackMoveSide.Volume) -> Bool {
    guard let classes else { return true }
    return volume.placement.map(classes.contains) ?? false
  }

  /// The name of the secret with the passphrase of a stack's repository; nil where none is known.
  func passphrase(of stack: String) -> String? {
    passphrases[stack] ?? (name == Self.design ? "borg-\(stack)" : standardPassphrase)
  }

  private static func secretName(_ reference: String) -> String {
    reference.hasPrefix("secret:") ? String(reference.dropFirst("secret:".count)) : reference
  }
}
