import StackSet

/// Makes a machine's stack set from templates and settings, or says all that is wrong.
public struct StackCompiler: Sendable {
  let settings: StackSettings
  let templates: [String: StackTemplate]
  /// SHA-256 as lower-case hexadecimal.
  let digest: @Sendable ([UInt8]) -> String

  /// - Parameters:
  ///   - templates: at least those that the settings name.
  ///   - digest: SHA-256 as lower-case hexadecimal; what compiles links no cryptography.
  public init(
    settings: StackSettings, templates: [StackTemplate], digest: @escaping @Sendable ([UInt8]) -> String
  ) {
    self.settings = settings
    self.templates = Dictionary(templates.map { ($0.name, $0) }) { first, _ in first }
    self.digest = digest
  }

  /// - Throws: ``StackRefusals``: every rule that templates, settings and what they make together break.
  public func compile() throws -> StackSet {
    let log = RefusalLog(file: settings.file)
    var refusals = Set(settings.stacks.map(\.template)).compactMap { templates[$0] }.flatMap { $0.refusals() }
    let selected = select(log)
    SettingsRules(settings: settings, instances: selected, log: log).check()
    refusals += log.refusals
    // What follows relies on all that was checked.
    guard refusals.isEmpty else { throw StackRefusals(refusals) }

    let plan = RoutePlan(settings: settings, instances: selected, log: log)
    var stacks: [String: CompiledStack] = [:]
    for instance in selected {
      let one = InstanceCompiler(settings: settings, instance: instance, all: selected, plan: plan, log: log)
      stacks[instance.name] = try one.compile()
    }
    SetRules(settings: settings, instances: selected, stacks: stacks, log: log).check()
    guard log.refusals.isEmpty else { throw StackRefusals(log.refusals) }
    return try assemble(stacks, selected, plan)
  }

  /// Instances whose template is there.
  private func select(_ log: RefusalLog) -> [SelectedStack] {
    settings.stacks.compactMap { instance in
      guard let template = templates[instance.template] else {
        log.refuse(
          .dependency, 0,
          "there is no stack '\(instance.template)'; known are \(templates.keys.sorted().joined(separator: ", "))")
        return nil
      }
      return SelectedStack(instance: instance, template: template)
    }
  }

  private func assemble(_ stacks: [String: CompiledStack], _ selected: [SelectedStack], _ plan: RoutePlan) throws
    -> StackSet
  {
    let order = DependencyOrder.sorted(stacks.mapValues(\.dependsOn), order: stacks.mapValues(\.order))
    let routes = order.compactMap { stacks[$0] }.flatMap(\.routes)
    let renderer = HubRenderer(access: settings.access, routes: routes)
    let hub = try renderer.configuration()
    let sorted = try order.compactMap { stacks[$0] }.map { stack in
      var stack = stack
      if settings.access.place == .stack(stack.name), let file = renderer.file(hub),
        stack.configurations[file.name] != nil
      {
        stack.configurations[file.name] = file.text
      }
      stack.digest = digest(try stack.digestInput())
      return stack
    }
    let names = settings.access.proxyAddress.map { address in
      (routes.flatMap(\.names) + settings.access.routes.flatMap(settings.access.names))
        .filter { !$0.hasPrefix("*") }.map { NameRewrite(name: $0, address: address) }
    }
    return StackSet(
      machine: settings.machine, engine: settings.engine, directory: settings.directory, networks: plan.networks,
      stacks: sorted, routes: routes, names: names ?? [],
      hub: hub, monitors: sorted.flatMap(\.monitors), access: settings.access.expectation)
  }
}

/// One stack of the machine with its template.
struct SelectedStack: Sendable {
  var instance: StackSettings.Instance
  var template: StackTemplate

  var name: String { instance.name }

  /// A name of the template's, as this instance has it: `photos` becomes `photos-kids`, `photos-api` too.
  func ownName(_ name: String) -> String {
    if instance.name == template.name { return name }
    if name == template.name { return instance.name }
    if name.hasPrefix(template.name + "-") { return instance.name + name.dropFirst(template.name.count) }
    return instance.name + "-" + name
  }

  /// Whether a secret has a value: all have but those that may be missing, where nobody set them.
  func isGiven(_ secret: StackDescription.Secret) -> Bool {
    secret.generate != nil || instance.secrets[secret.name] != nil || !SecretUse.isOptional(secret.name, in: template)
  }

  /// The setting's place in refusals.
  var path: String { "settings.stacks.settings.\(instance.name)" }
}
