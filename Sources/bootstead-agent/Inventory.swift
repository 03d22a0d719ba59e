import AgentProtocol
import ArgumentParser
import DiskLayout
import NodeAgent

/// What the appliance is told about this machine.
struct Inventory: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show what this machine consists of.")

  @Flag(help: "As JSON, in the form in which the appliance gets it.")
  var json = false

  func run() throws {
    let inventory = InventoryReader(root: "/").read()
    if json {
      print(String(decoding: try MessageCoder.encode(inventory), as: UTF8.self))
      return
    }
    print("processor  \(inventory.processor.model ?? inventory.processor.architecture)")
    print("threads    \(inventory.processor.threads)")
    print("memory     \(ByteSize.text(inventory.memoryBytes))")
    print("firmware   \(inventory.firmware.kind.rawValue)")
    for interface in inventory.interfaces {
      print("interface  \(interface.name)  \(interface.mac)  \(interface.hasLink ? "link" : "no link")")
    }
    for disk in inventory.disks.disks { print("disk       \(disk.summary)") }
  }
}
