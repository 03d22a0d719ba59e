import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("Owners of volumes", .enabled(if: getuid() == 0, "root gives files away"))
struct OwnershipAuditTests {
  private func set(_ folder: TemporaryDirectory, isShared: Bool = false) throws -> StackSet {
    let path = folder.file("pages")
    try FileManager.default.createDirectory(atPath: path + "/inner", withIntermediateDirectories: true)
    for name in ["good", "bad", "inner/bad"] {
      try Data().write(to: URL(fileURLWithPath: path + "/" + name))
    }
    try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: folder.file("outside"))
    try Data().write(to: URL(fileURLWithPath: folder.file("outside")))
    for name in ["", "/good", "/inner", "/link"] { #expect(lchown(path + name, 2000, 2000) == 0) }
    var volume = StackVolume.sample("pages", path, owner: StackOwner(user: 2000, group: 2000))
    volume.isShared = isShared
    return .sample([.sample("wiki", volumes: [volume])])
  }

  private func owner(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.ownerAccountID] as? Int
  }

  @Test("What belongs to others is counted with examples, and repaired only when that is asked for")
  func audit() throws {
    let folder = try TemporaryDirectory()
    let audit = OwnershipAudit(set: try set(folder))
    let found = try #require(try audit.audit().first)
    #expect((found.entries, found.wrong, found.repaired) == (6, 2, 0))
    #expect(found.examples.sorted() == ["\(found.path)/bad (0:0)", "\(found.path)/inner/bad (0:0)"])
    #expect(try owner(found.path + "/bad") == 0)
    #expect(try audit.audit("wiki/pages", repairs: true).map(\.repaired) == [2])
    #expect(try audit.audit("wiki").map(\.wrong) == [0])
    #expect(try owner(found.path + "/inner/bad") == 2000)
  }

  @Test("No link is followed, and a folder that several stacks use is not changed")
  func bounds() throws {
    let folder = try TemporaryDirectory()
    let set = try set(folder)
    #expect(lchown(folder.file("pages/link"), 0, 0) == 0)
    _ = try OwnershipAudit(set: set).audit(repairs: true)
    #expect(try owner(folder.file("outside")) == 0)

    let other = try TemporaryDirectory()
    let shared = OwnershipAudit(set: try self.set(other, isShared: true))
    #expect(lchown(other.file("pages"), 0, 0) == 0)
    let found = try #require(try shared.audit(repairs: true).first)
    #expect((found.entries, found.wrong, found.repaired) == (1, 1, 0))
  }

  @Test("A stack or volume that is not there is refused", arguments: ["mail", "wiki/none", "wiki/"])
  func unknown(target: String) throws {
    let folder = try TemporaryDirectory()
    let audit = OwnershipAudit(set: try set(folder))
    let error = #expect(throws: NodeWorkError.self) { try audit.audit(target) }
    #expect(error?.kind == .unknownStack)
  }
}
