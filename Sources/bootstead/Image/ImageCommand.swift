import ArgumentParser
import Foundation
import Images
import OperatorAPI

struct ImageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "Kernels and initrds that boot a machine into the agent.",
    subcommands: [ImageList.self, ImageAdd.self, ImageRemove.self])
}

struct ImageList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the boot images.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let images: [BootImage] = try await appliance.client.get("/v1/images")
      try show(images, json: appliance.json) {
        if images.isEmpty { return "no boot images yet: bootstead installer build" }
        var table = TableOutput("NAME", "KERNEL", "INITRD", "DIGEST")
        for image in images {
          table.rows.append([
            image.name.text, byteText(UInt64(image.kernel.size)), byteText(UInt64(image.initrd.size)),
            String(image.initrd.digest.prefix(12)),
          ])
        }
        return table.text
      }
    }
  }
}

struct ImageAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add or replace a boot image; the default one is called 'installer'.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Its name.") var name: String
  @Option(help: "The kernel file, on the appliance.") var kernel: String
  @Option(help: "The initrd file, on the appliance.") var initrd: String

  func run() async throws {
    try await reportingFailures {
      let request = AddImage(
        name: name, kernel: URL(fileURLWithPath: kernel).path, initrd: URL(fileURLWithPath: initrd).path)
      let image: BootImage = try await appliance.client.send("POST", "/v1/images", request)
      try show(image, json: appliance.json) { "the boot image '\(image.name)' is stored" }
    }
  }
}

struct ImageRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a boot image.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Its name.") var name: String

  func run() async throws {
    try await reportingFailures {
      try await appliance.client.perform("DELETE", "/v1/images/\(pathComponent(name))")
      try show(["removed": name], json: appliance.json) { "the boot image '\(name)' is removed" }
    }
  }
}
