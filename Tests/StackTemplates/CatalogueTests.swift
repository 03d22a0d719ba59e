import Foundation
import StackCatalogue
import StackSet
import StackTemplates
import Testing

@Suite("The catalogue")
struct CatalogueTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("templates/stacks").path
  static let names = (try? TemplateCatalogue(root: root))?.names ?? []

  @Test("every template keeps all rules", arguments: names)
  func rules(_ name: String) throws {
    let template = try TemplateCatalogue(root: Self.root).template(name)
    #expect(template.refusals(known: Set(Self.names)).map(\.description) == [])
  }

  static let identities: [StackSettings.Identity] = [
    .image, .fixed(StackOwner(user: 2000, group: 2000)), .remapped(base: 100_000),
  ]

  @Test("every template compiles, whomever containers run as", arguments: names, identities)
  func compiles(_ name: String, _ identity: StackSettings.Identity) throws {
    let catalogue = try TemplateCatalogue(root: Self.root)
    var templates = [try catalogue.template(name)]
    var settings = StackSettings(machine: "node1")
    settings.identity = identity
    settings.architecture = try #require(templates[0].description.architectures.first).text
    settings.access.design = .caddy
    settings.access.place = .host
    (settings.access.lan, settings.access.vpn, settings.access.everywhere) = ("lan.test", "vpn.test", "example.com")
    var index = 0
    while index < templates.count {
      for need in templates[index].description.dependsOn where !templates.contains(where: { $0.name == need.text }) {
        templates.append(try catalogue.template(need.text))
      }
      index += 1
    }
    settings.stacks = templates.map(Self.instance)
    let set = try StackCompiler(settings: settings, templates: templates, digest: SampleStack.fold).compile()
    let stack = try #require(set.stacks.first { $0.name == name })
    #expect(!stack.compose.contains("x-bootstead"))
    #expect(stack.volumes.allSatisfy { $0.path.hasPrefix("/srv/") })
    #expect(try StackSet(try set.encoded()) == set)
  }

  /// With everything set that has to be.
  static func instance(_ template: StackTemplate) -> StackSettings.Instance {
    var instance = StackSettings.Instance(template.name)
    for secret in template.description.secrets where secret.generate == nil {
      instance.secrets[secret.name] = "secret:given"
    }
    for parameter in template.description.parameters where parameter.standard == nil {
      instance.parameters[parameter.name] =
        switch parameter.type {
        case .string: .string("example")
        case .integer: .integer(parameter.minimum ?? 1)
        case .boolean: .boolean(true)
        case .choice: .string(parameter.choices.first ?? "")
        case .list: .list(["example"])
        }
    }
    return instance
  }

  private func folder(_ files: [String: String]) throws -> (String, URL) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("stacks-\(UUID().uuidString)")
    let stack = folder.appendingPathComponent("notes")
    try FileManager.default.createDirectory(at: stack, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: stack.appendingPathComponent(name)) }
    return (stack.path, folder)
  }

  @Test("a folder is read with the files beside its template")
  func read() throws {
    let (stack, root) = try folder(["compose.yaml": SampleStack.notes, "zones.conf": "a\n"])
    defer { try? FileManager.default.removeItem(at: root) }
    let template = try TemplateCatalogue.read(stack)
    #expect(template.name == "notes")
    #expect(template.files == ["zones.conf": "a\n"])
    #expect(template.refusals().isEmpty)
    #expect(try TemplateCatalogue(root: root.path).names == ["notes"])
  }

  @Test("links, large folders and folders without a template are refused")
  func refused() throws {
    let (stack, root) = try folder(["compose.yaml": SampleStack.notes, "zones.conf": "a\n"])
    defer { try? FileManager.default.removeItem(at: root) }
    let link = stack + "/passwd"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/etc/passwd")
    #expect(throws: CatalogueError.self) { try TemplateCatalogue.read(stack) }
    try FileManager.default.removeItem(atPath: link)
    try Data(count: TemplateCatalogue.byteLimit).write(to: URL(fileURLWithPath: stack + "/large"))
    #expect(throws: CatalogueError.self) { try TemplateCatalogue.read(stack) }
    try FileManager.default.removeItem(atPath: stack + "/large")
    try FileManager.default.removeItem(atPath: stack + "/compose.yaml")
    #expect(throws: CatalogueError.self) { try TemplateCatalogue.read(stack) }
    #expect(throws: CatalogueError.self) { try TemplateCatalogue.read(root.path + "/none") }
  }

  @Test("a machine's choices are read, and what is of another type is named")
  func machine() throws {
    let text = """
      {"schema":1,"name":"harbour","system":"x86_64-linux","roles":["podman-host"],"stacks":["notes","notes-kids"],
       "fileSystems":[{"mountPoint":"/srv","device":"/dev/x","type":"xfs"}],
       "settings":{"storage":{"nfs":{"mounts":{"m":{"mountPoint":"/data"}}}},
        "access":{"zones":{"lan":"lan.test"},"caddy-hub":{"enable":true},"proxyAddress":"192.0.2.1"},
        "stacks":{"identity":{"policy":"fixed","user":568,"group":568},"placement":{"media":"/data/media"},
         "settings":{"notes-kids":{"template":"notes","parameters":{"uploadLimit":5,"flag":true,"l":["a"]},
          "secrets":{"MAIL_TOKEN":"secret:mail"},"exposure":"public","host":"kids","images":{"web":"a:1.0"},
          "sizes":{"pages":"5GiB"},"identity":{"policy":"fixed","user":1001,"group":1002}}}}}}
      """
    let machine = try MachineStacks(Data(text.utf8), path: "machine.json").settings
    #expect(machine.engine == .podman)
    #expect(machine.identity == .fixed(StackOwner(user: 568, group: 568)))
    #expect(machine.stacks.map(\.template) == ["notes", "notes"])
    #expect(machine.stacks[1].parameters == ["uploadLimit": .integer(5), "flag": .boolean(true), "l": .list(["a"])])
    #expect(machine.stacks[1].exposure == .everywhere)
    #expect(machine.stacks[1].sizes == ["pages": "5GiB"])
    #expect(machine.stacks[1].identity == .fixed(StackOwner(user: 1001, group: 1002)))
    #expect(machine.stacks[0].identity == nil)
    #expect(machine.access.design == .caddy)
    #expect(machine.access.place == .host)
    #expect(machine.fileSystems.map(\.type) == ["xfs", "nfs"])
    #expect(machine.placement == [.media: "/data/media"])
    for broken in [
      text.replacing(#""parameters":{"#, with: #""parameters":{"a":{"b":1},"#),
      text.replacing("\"exposure\":\"public\"", with: "\"exposure\":\"all\""),
      text.replacing("\"policy\":\"fixed\"", with: "\"policy\":\"any\""),
      text.replacing("\"identity\":{\"policy\":\"fixed\",\"user\":1001", with: "\"identity\":{\"user\":1001"),
      text.replacing("\"media\":\"/data", with: "\"films\":\"/data"), "{", "[]",
    ] {
      #expect(throws: CatalogueError.self) { try MachineStacks(Data(broken.utf8), path: "machine.json") }
    }
  }
}
