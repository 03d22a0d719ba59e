import Fleet
import Foundation
import Hummingbird
import NodeFlake

/// `GET /v1/machines/NAME/flake`
public struct FlakeAnswer: Codable, Sendable {
  public var machine: String
  /// SHA-256 of the flake, hexadecimal.
  public var digest: String
  /// On the boot listener of the appliance.
  public var archive: String
  /// The revision that it is locked to.
  public var nixpkgs: String?
  /// `machine.json`
  public var configuration: String
  public var flake: String
  /// All files by their path, where they were asked for with `?files=true`.
  public var files: [String: Data]?
  /// The agent's path in the flake, and its file on the appliance.
  public var agent: String?
  public var agentFile: String?
}

extension OperatorRoutes {
  func requireNodes() throws -> NodeFlakes {
    guard let nodes else { throw FleetError.conflict("this appliance makes no flakes") }
    return nodes
  }

  func flakeRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get(":name/stacks") { _, context in try await answer(requireNodes().stackStanding(of: context.name)) }
    group.get(":name/flake") { request, context in
      let flake = try await requireNodes().flake(of: context.name)
      func text(_ path: String) -> String { String(decoding: flake.files[path] ?? Data(), as: UTF8.self) }
      return try answer(
        FlakeAnswer(
          machine: flake.name.text, digest: flake.digest, archive: "/flake/\(flake.name).tar.gz",
          nixpkgs: flake.nixpkgs, configuration: text(flake.configurationPath), flake: text("flake.nix"),
          files: request.uri.queryParameters.get("files") == "true" ? flake.files : nil,
          agent: flake.agent?.pathInFlake,
          agentFile: flake.agent?.path))
    }
  }
}
