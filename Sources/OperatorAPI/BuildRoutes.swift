import BinaryCache
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NixFormats
import NodeFlake

/// `POST /v1/builds`
public struct BuildOrder: Codable, Sendable {
  /// Empty: all machines.
  public var machines: [String]
  /// `ssh://HOST`; nil builds on the appliance.
  public var builder: String?

  public init(machines: [String], builder: String?) { (self.machines, self.builder) = (machines, builder) }
}

/// One line of the answer to `POST /v1/builds`.
public struct BuildLine: Codable, Sendable {
  public var machine: String
  public var progress: BuildProgress?
  /// What was published, on a machine's last line.
  public var closure: String?
  public var flake: String?
  public var nixpkgs: String?
  /// Why nothing was published of it, on its last line.
  public var error: String?

  init(machine: String) { self.machine = machine }
}

extension OperatorRoutes {
  func buildRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.post { request, _ in
      let nodes = try requireNodes()
      let order = try await body(BuildOrder.self, of: request)
      let builder = try order.builder.map { try NixBuilder($0) }
      _ = try nodes.templates()
      var names = try await order.machines.asyncNames(in: fleet)
      if order.machines.isEmpty { names = try await fleet.machines().map(\.machine.name.text) }
      guard !names.isEmpty else { throw FleetError.conflict("there are no machines to build for") }
      let machines = names
      return Response(
        status: .ok, headers: [.contentType: "application/x-ndjson"],
        body: ResponseBody { writer in
          let (lines, continuation) = AsyncStream.makeStream(of: BuildLine.self, bufferingPolicy: .unbounded)
          async let done: Void = build(machines, builder, nodes, into: continuation)
          for await line in lines {
            try await writer.write(ByteBuffer(bytes: OperatorJSON.encode(line) + Data("\n".utf8)))
          }
          await done
          try await writer.finish(nil)
        })
    }
  }

  private func build(
    _ machines: [String], _ builder: NixBuilder?, _ nodes: NodeFlakes,
    into lines: AsyncStream<BuildLine>.Continuation
  ) async {
    for machine in machines {
      var last = BuildLine(machine: machine)
      do {
        let flake = try await nodes.flake(of: machine)
        (last.flake, last.nixpkgs) = (flake.digest, flake.nixpkgs)
        last.closure = try await nodes.build(
          flake, builder: builder,
          progress: { progress in
            var line = BuildLine(machine: machine)
            line.progress = progress
            lines.yield(line)
          },
          publish: { built in
            _ = try await cache.importCache(at: built.cache, roots: [StorePath(absolute: built.closure)])
            try await fleet.record(
              build: flake.digest, nixpkgs: flake.nixpkgs, closure: built.closure, layout: flake.layout,
              clusterJoin: flake.clusterJoin, of: machine)
            return built.closure
          })
      } catch {
        last.error = String(describing: error)
      }
      lines.yield(last)
    }
    lines.finish()
  }
}

extension [String] {
  /// The machines' own names; what names none is refused before anything is built.
  fileprivate func asyncNames(in fleet: Fleet) async throws -> [String] {
    var names: [String] = []
    for name in self {
      let found = try await fleet.machine(name).machine.name.text
      if !names.contains(found) { names.append(found) }
    }
    return names
  }
}
