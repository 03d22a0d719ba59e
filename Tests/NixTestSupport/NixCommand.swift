import Foundation
import ProgramTestSupport

/// Real Nix with a store of its own below a directory; its paths are called `/nix/store/…` all the same.
public struct NixCommand: Sendable {
  public let root: String

  public init(root: String) { self.root = root }

  /// A path whose file names another path: the expression is evaluated, nothing is built.
  public func instantiate(_ expression: String) async throws -> String {
    try await run(["nix-instantiate", "--store", root, "--eval", "--read-write-mode", "-E", expression])
      .trimmingCharacters(in: CharacterSet(charactersIn: "\"\n"))
  }

  public func add(_ path: String) async throws -> String {
    try await run(["nix-store", "--store", root, "--add", path]).trimmingCharacters(in: .newlines)
  }

  /// - Parameter url: of the store or cache that gets the closure.
  @discardableResult public func copy(_ path: String, to url: String, options: [String] = []) async throws -> String {
    try await run(
      ["nix", "--extra-experimental-features", "nix-command", "--option", "substituters", "", "copy", "--store", root]
        + options + ["--to", url, path])
  }

  /// - Returns: what the command wrote to its standard output, byte for byte.
  public static func output(_ arguments: [String], input: Data = Data()) async throws -> Data {
    try await TestProgram.output(
      "/usr/bin/env", arguments, input: input,
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"])
  }

  @discardableResult public func run(_ arguments: [String], input: Data = Data()) async throws -> String {
    String(decoding: try await Self.output(arguments, input: input), as: UTF8.self)
  }
}
