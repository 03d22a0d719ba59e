import AgentProtocol
import Foundation
import HTTPConnection
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

/// `nixos-install` is a program that the test makes: no NixOS can be built where the tests run. Everything around it is
/// real: the download, `tar`, the program's arguments, its output, its exit code, and the links that it leaves.
@Suite("A system from its flake", .timeLimit(.minutes(10)))
struct FlakeInstallTests {
  static let configuration = #"{"name":"node1"}"#

  /// What the stand-in does at its end.
  enum Ending {
    case system, failure, nothing, dangling, outside

    var script: String {
      func profile(_ system: String) -> String {
        """
        mkdir -p "$root/nix/var/nix/profiles"
        ln -sfn \(system) "$root/nix/var/nix/profiles/system-1-link"
        ln -sfn system-1-link "$root/nix/var/nix/profiles/system"
        """
      }
      return switch self {
      case .system: profile(Sample.closure) + "\nmkdir -p \"$root\(Sample.closure)\""
      case .failure: "echo \"error: undefined variable 'pkg'\" >&2; exit 3"
      case .nothing: "true"
      case .dangling: profile(Sample.closure)
      case .outside: profile("/etc")
      }
    }
  }

  private func path(_ folder: String, _ name: String) -> String { folder + name }

  private func makeProgram(in folder: borrowing TemporaryFolder, _ ending: Ending) throws {
    try folder.write(
      """
      #!/bin/sh
      printf '%s\\n' "$@" > "\(folder.path)/arguments"
      while [ $# -gt 0 ]; do
        case "$1" in
          --root) root=$2; shift ;;
          --flake) flake=$2; shift ;;
        esac
        shift
      done
      flake=${flake#path:}
      cat "${flake%#*}/machines/node1.json" > "\(folder.path)/read"
      ls "${flake%#*}" > "\(folder.path)/files"
      echo "copying path '/nix/store/x' from 'http://cache'..." >&2
      echo "installing the boot loader..."
      \(ending.script)
      """, to: "/nixos-install")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path(folder.path, "/nixos-install"))
  }

  /// - Returns: the archive as the appliance packs it, and how it is signed for.
  private func archive(in folder: borrowing TemporaryFolder) async throws -> (bytes: [UInt8], flake: InstallFlake) {
    try folder.write("{ }", to: "/packed/bootstead-node1/flake.nix")
    try folder.write(Self.configuration, to: "/packed/bootstead-node1/machines/node1.json")
    let file = path(folder.path, "/node1.tar.gz")
    let runner = SubprocessRunner()
    try await runner.run(
      Command("tar", ["-c", "-z", "-f", file, "-C", path(folder.path, "/packed"), "bootstead-node1"]))
    let digest = try await runner.run(Command("sha256sum", [file])).standardOutput.prefix(64)
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: file)))
    return (
      bytes,
      InstallFlake(path: "/flake/node1.tar.gz", digest: String(digest), size: bytes.count, identity: "f")
    )
  }

  private func install(
    _ folder: borrowing TemporaryFolder, _ lines: Lines = Lines(), change: (inout InstallFlake) -> Void = { _ in },
    answer: @escaping @Sendable (Int, [UInt8]) -> FakeServer.Answer? = { FakeServer.Answer(status: 200, body: $1) }
  ) async throws -> String {
    let packed = try await archive(in: folder)
    var flake = packed.flake
    change(&flake)
    let (folder, asked, wanted, content) = (folder.path, Counter(), flake, packed.bytes)
    return try await FakeServer.serve({ request in
      request.path == wanted.path ? answer(Int(asked.next()), content) : FakeServer.Answer(status: 404)
    }) { endpoint in
      let build = FlakeInstall(
        client: HTTPClient(endpoint: endpoint), applianceURL: "http://192.0.2.1:8080",
        program: folder + "/nixos-install", pause: { _ in try await Task.sleep(for: .milliseconds(1)) })
      return try await build.install(
        build.fetch(wanted), of: try Sample.task(flake: wanted), target: folder + "/mnt", line: { lines.add($0) })
    }
  }

  final class Lines: Sendable {
    private let all = Mutex<[String]>([])
    var read: [String] { all.withLock { $0 } }
    func add(_ line: String) { all.withLock { $0.append(line) } }
  }

  private func text(_ folder: String, _ name: String) -> String? {
    try? String(contentsOfFile: folder + name, encoding: .utf8)
  }

  private func names(in path: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: path))
  }

  @Test("the flake is unpacked on the new root, nixos-install gets it with the appliance's cache, and names the system")
  func installs() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "/mnt/boot/kept")
    try makeProgram(in: folder, .system)
    let lines = Lines()
    #expect(try await install(folder, lines) == Sample.closure)
    let mnt = path(folder.path, "/mnt")
    let arguments = try #require(text(folder.path, "/arguments")).split(separator: "\n").map(String.init)
    #expect(
      arguments == [
        "--root", mnt, "--flake", "path:\(mnt)/.bootstead-flake#node1", "--no-root-password", "--no-channel-copy",
        "--no-write-lock-file", "--option", "extra-substituters", "http://192.0.2.1:8080/cache", "--option",
        "extra-trusted-public-keys", "cache:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "--option",
        "fsync-store-paths", "true",
      ])
    #expect(text(folder.path, "/read") == Self.configuration && text(folder.path, "/files") == "flake.nix\nmachines\n")
    #expect(lines.read == ["copying path '/nix/store/x' from 'http://cache'...", "installing the boot loader..."])
    #expect(try names(in: mnt) == ["boot", "nix"], "the flake is gone")
  }

  @Test("what a run that was cut off has left is no hindrance, and goes")
  func again() async throws {
    let folder = try TemporaryFolder()
    try makeProgram(in: folder, .system)
    try folder.write("old", to: "/mnt/.bootstead-flake/machines/node1.json")
    try folder.write("old", to: "/mnt/.bootstead-flake/old.nix")
    try folder.write("", to: "/mnt/tmp.AbCdEfGhIj/system")
    try folder.write("", to: "/mnt/tmp.mine/kept")
    #expect(try await install(folder) == Sample.closure)
    #expect(text(folder.path, "/read") == Self.configuration && text(folder.path, "/files") == "flake.nix\nmachines\n")
    #expect(try names(in: path(folder.path, "/mnt")) == ["nix", "tmp.mine"])
    #expect(try await install(folder) == Sample.closure, "and once more")
  }

  @Test(
    "a build that fails, or that leaves no system of the store, is told with what it said",
    arguments: [
      (Ending.failure, "ended with code 3"), (.failure, "error: undefined variable 'pkg'"), (.nothing, "leads nowhere"),
      (.dangling, "is not in the store of"), (.outside, "/etc is no store path"),
    ])
  func fails(ending: Ending, expected: String) async throws {
    let folder = try TemporaryFolder()
    try makeProgram(in: folder, ending)
    try folder.write("", to: "/mnt/boot/kept")
    do {
      let closure = try await install(folder)
      Issue.record("it installed \(closure)")
    } catch { #expect("\(error)".contains(expected), "\(error)") }
    // The cause is gone: the same disk is installed.
    try makeProgram(in: folder, .system)
    #expect(try await install(folder) == Sample.closure)
  }

  @Test("a server that is busy, or breaks off, is asked again")
  func trouble() async throws {
    let folder = try TemporaryFolder()
    try makeProgram(in: folder, .system)
    let closure = try await install(
      folder,
      answer: { count, bytes in
        switch count {
        case 1: nil
        case 2: FakeServer.Answer(status: 503)
        default: FakeServer.Answer(status: 200, body: bytes)
        }
      })
    #expect(closure == Sample.closure)
  }

  @Test("what was not signed for is not unpacked", arguments: ["digest", "longer", "shorter", "404", "no program"])
  func refused(what: String) async throws {
    let folder = try TemporaryFolder()
    if what != "no program" { try makeProgram(in: folder, .system) }
    do {
      _ = try await install(
        folder,
        change: { flake in
          if what == "digest" { flake.digest = String(repeating: "0", count: 64) }
        },
        answer: { _, bytes in
          switch what {
          case "longer": FakeServer.Answer(status: 200, body: bytes + [0])
          case "shorter": FakeServer.Answer(status: 200, body: Array(bytes.dropLast()))
          case "404": FakeServer.Answer(status: 404)
          default: FakeServer.Answer(status: 200, body: bytes)
          }
        })
      Issue.record("it was installed")
    } catch let error as FlakeInstallError {
      switch error {
      case .changed: #expect(["digest", "longer", "shorter"].contains(what))
      case .notServed: #expect(what == "404")
      case .noNix: #expect(what == "no program" && "\(error)".contains("bootstead build"))
      case .noSystem: Issue.record("\(error)")
      }
    }
    #expect(
      text(folder.path, "/arguments") == nil && !FileManager.default.fileExists(atPath: path(folder.path, "/mnt")))
  }

  @Test("a machine says that it builds systems where NixOS's program is")
  func inventory() throws {
    let folder = try TemporaryFolder()
    #expect(InventoryReader(root: folder.path).read().buildsSystems == nil)
    try folder.write("", to: FlakeInstall.program)
    #expect(InventoryReader(root: folder.path).read().buildsSystems == true)
  }
}
