import Foundation
import NodeAgent
import Testing

@Suite("Consoles")
struct ConsolesTests {
  private func content(_ folder: borrowing TemporaryFolder, _ name: String) -> String? {
    try? String(contentsOfFile: folder.path + name, encoding: .utf8)
  }

  @Test("a line is shown on the kernel's consoles, the screen and the first serial port, once on each")
  func everywhere() throws {
    let folder = try TemporaryFolder()
    try folder.write("tty0 ttyS1\n", to: "/sys/class/tty/console/active")
    for name in ["tty1", "ttyS0", "ttyS1", "tty2"] { try folder.write("", to: "/dev/\(name)") }
    Consoles(root: folder.path).show("hello")
    for name in ["tty1", "ttyS0", "ttyS1"] { #expect(content(folder, "/dev/\(name)") == "hello\r\n", "\(name)") }
    #expect(content(folder, "/dev/tty2") == "")
  }

  @Test("where init copies standard output to all consoles, no line is shown twice")
  func copiedByInit() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "/run/bootstead/console")
    try folder.write("", to: "/dev/tty1")
    Consoles(root: folder.path).show("hello")
    #expect(content(folder, "/dev/tty1") == "")
  }
}
