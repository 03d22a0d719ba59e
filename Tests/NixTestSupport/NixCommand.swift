import Foundation

/// Real Nix with a store of its own below a directory; its paths are called `/nix/store/…` all the same.
public struct NixCommand: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let root: String

  public init(root: String) { self.root = root }

  /// A path whose file names another path: the expression is evaluated, nothing is built.
  public func instantiate(_ expression: String) throws -> String {
    try run(["nix-instantiate", "--store", root, "--eval", "--read-write-mode", "-E", expression])
      .trimmingCharacters(in: CharacterSet(charactersIn: "\"\n"))
  }

  public func add(_ path: String) throws -> String {
    try run(["nix-store", "--store", root, "--add", path]).trimmingCharacters(in: .newlines)
  }

  /// - Parameter url: of the store or cache that gets the closure.
  @discardableResult public func copy(_ path: String, to url: String, options: [String] = []) throws -> String {
    try run(
      ["nix", "--extra-experimental-features", "nix-command", "--option", "substituters", "", "copy", "--store", root]
        + options + ["--to", url, path])
  }

  /// - Returns: what the command wrote to its standard output, byte for byte.
  public static func output(_ arguments: [String], input: Data? = nil) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"]
    let directory = try TemporaryDirectory()
    for name in ["in", "out", "error"] {
      _ = FileManager.default.createFile(atPath: directory.file(name), contents: name == "in" ? input ?? Data() : nil)
    }
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: directory.file("in")))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.file("out")))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.file("error")))
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let text = try String(contentsOfFile: directory.file("error"), encoding: .utf8)
      throw Failure(description: "\(arguments.joined(separator: " ")): \(text)")
    }
    return try Data(contentsOf: URL(fileURLWithPath: directory.file("out")))
  }

  @discardableResult public func run(_ arguments: [String], input: Data? = nil) throws -> String {
    String(decoding: try Self.output(arguments, input: input), as: UTF8.self)
  }
}
