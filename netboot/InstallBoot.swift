/// What one boot of the installer image needs.
public struct InstallBoot: Hashable, Sendable {
  public var appliance: ApplianceURL
  public var machine: IPXEText
  /// One line for the screen, such as the short code that the operator compares.
  public var message: IPXEText
  public var kernel: URLPath
  /// The installer image.
  public var initrd: URLPath
  /// What belongs to this boot alone: an uncompressed archive, padded to 4 bytes or more.
  public var overlay: URLPath
  public var arguments: [KernelArgument]

  public init(
    appliance: ApplianceURL, machine: IPXEText, message: IPXEText, kernel: URLPath, initrd: URLPath,
    overlay: URLPath, arguments: [KernelArgument] = []
  ) {
    self.appliance = appliance
    self.machine = machine
    self.message = message
    self.kernel = kernel
    self.initrd = initrd
    self.overlay = overlay
    self.arguments = arguments
  }

  func values() throws(IPXEValueError) -> [String: String] {
    let line = arguments.map(\.text).joined(separator: " ")
    guard line.utf8.count <= KernelArgument.maximumTotalLength else {
      throw .tooManyArguments(length: line.utf8.count, limit: KernelArgument.maximumTotalLength)
    }
    return [
      "APPLIANCE": appliance.text, "NAME": machine.text, "MESSAGE": message.text, "KERNEL": kernel.text,
      "INITRD": initrd.text, "OVERLAY": overlay.text, "ARGUMENTS": line,
    ]
  }
}
