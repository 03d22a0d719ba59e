import Foundation

/// What a lab needs beside the appliance: the micro-installer and a closure to install.
public struct LabArtifacts: Sendable {
  public var kernel: String
  public var initrd: String
  /// A binary cache directory with the node system.
  public var closureCache: String
  /// The store path of the node system.
  public var closure: String

  /// Makes the disk of a machine that runs Debian already, or finds that it is up to date.
  /// - Returns: its path; to be copied.
  public static func debianDisk(source: String, folder: String) async throws -> String {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await LabTool.run(source + "/Tests/Lab/debian-guest/build", [folder + "/debian"])
    return folder + "/debian/disk.raw"
  }

  /// Makes another node system of the same parts, or finds that it is up to date.
  /// - Parameter variant: `second`, or `lonely`, which takes the network away when it is started on a running node.
  /// - Returns: its binary cache directory and its store path.
  public static func variant(_ variant: String, source: String, agent: String, folder: String) async throws -> (
    cache: String, closure: String
  ) {
    let node = "\(folder)/node-\(variant)"
    try await LabTool.run(source + "/Tests/Lab/node-system/build", [node, agent, variant])
    let closure = try String(contentsOfFile: node + "/toplevel", encoding: .utf8)
    return (node + "/cache", closure.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Makes them, or finds that they are up to date.
  /// - Parameters:
  ///   - source: the folder of the project.
  ///   - agent: the path of the static `bootstead-agent`.
  ///   - folder: where they are kept.
  public static func make(source: String, agent: String, folder: String) async throws -> LabArtifacts {
    guard FileManager.default.isExecutableFile(atPath: agent) else {
      throw LabError.missing(path: agent, advice: "make build")
    }
    let (installer, node) = (folder + "/installer", folder + "/node")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await LabTool.run(source + "/images/micro-installer/build", [installer, agent])
    try await LabTool.run(source + "/Tests/Lab/node-system/build", [node, agent])
    let closure = try String(contentsOfFile: node + "/toplevel", encoding: .utf8)
    return LabArtifacts(
      kernel: installer + "/kernel", initrd: installer + "/initrd", closureCache: node + "/cache",
      closure: closure.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
