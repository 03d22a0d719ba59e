import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("Where routes are read from")
struct AccessSourcesTests {
  private let folder: TemporaryDirectory
  private var set: String { folder.file("stacks.json") }
  private var list: String { folder.file("access.json") }

  init() throws { folder = try TemporaryDirectory() }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func writeSet() throws {
    let empty = StackSet(
      machine: "node1", engine: .docker, directory: "/srv/stacks", networks: [], stacks: [], routes: [], names: [],
      hub: HubConfiguration(), monitors: [])
    try Data(try empty.encoded()).write(to: URL(fileURLWithPath: set))
  }

  /// As the module writes it.
  private static let text = """
    {"access":{"address":"192.0.2.11","nameServers":["192.0.2.11"],"signer":"acme"},"machine":"edge",
     "routes":[{"exposure":"public","login":"https://auth.example.com","name":"git","names":["git.example.com"],
      "upstream":"http://192.0.2.20:3000"}]}
    """

  private func sources(set: String? = nil, list: String? = nil) throws -> AccessSources {
    try AccessSources(set: set, list: list, standardSet: self.set, standardList: self.list)
  }

  @Test("a machine's own set and list are taken where they are, and one is enough")
  func own() throws {
    #expect(throws: NodeWorkError.self) { try sources() }
    try write(Self.text, list)
    let edge = try sources()
    #expect(edge.set == nil && edge.list?.machine == "edge")
    let route = try #require(edge.list?.routes.first)
    #expect(route.exposure == .everywhere && route.login == "https://auth.example.com")
    try writeSet()
    let both = try sources()
    #expect(both.set?.machine == "node1" && both.list == edge.list)
  }

  @Test("what is named stands alone: it is another machine's, whose routes this one's are not mixed with")
  func named() throws {
    try write(Self.text, list)
    try writeSet()
    #expect(try sources(set: set).list == nil)
    #expect(try sources(list: list).set == nil)
    let copies = try sources(set: set, list: list)
    #expect(copies.set != nil && copies.list != nil)
    #expect(throws: NodeWorkError.self) { try sources(set: folder.file("none")) }
    #expect(throws: NodeWorkError.self) { try sources(list: folder.file("none")) }
  }

  @Test("a list that is none is refused", arguments: ["", "[]", "{}", text.replacing("git.example.com", with: "-o x")])
  func broken(_ text: String) throws {
    try write(text, list)
    #expect(throws: NodeWorkError.self) { try sources() }
  }
}
