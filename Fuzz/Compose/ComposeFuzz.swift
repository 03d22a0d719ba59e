import StackSet
import StackTemplates

/// libFuzzer's entry: any bytes are read as a template, measured by all rules, and compiled where these hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCompose(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    let template = try StackTemplate(name: "photos", file: "compose.yaml", compose: bytes)
    let refusals = template.refusals(known: ["photos"])
    precondition(refusals.allSatisfy { !$0.text.isEmpty }, "a refusal without a reason")
    var settings = StackSettings(machine: "node1")
    settings.identity = .remapped(base: 100_000)
    settings.access.design = .caddy
    settings.access.lan = "lan.test"
    var instance = StackSettings.Instance("photos")
    for secret in template.description.secrets { instance.secrets[secret.name] = "secret:given" }
    settings.stacks = [instance]
    let set = try StackCompiler(settings: settings, templates: [template], digest: { "\($0.count)" }).compile()
    precondition(refusals.isEmpty || !refusals.allSatisfy { $0.rule != .dependency }, "a refused template was compiled")
    guard let read = try? StackSet(set.encoded()) else { preconditionFailure("a set that is not read back") }
    precondition(read == set, "a set changed")
  } catch {
    precondition(error is StackRefusals, "another error than a refusal: \(error)")
  }
  return 0
}
