import Foundation
import SecureShell
import ProgramInput
import Subprocess
import SystemPackage

/// The machine as the system's own `ssh` reaches it.
struct RemoteShell: Sendable {
  /// `USER@HOST`
  struct Target: Sendable, Equatable {
    var user: String
    var host: String
    var port: Int

    /// - Throws: ``CommandFailure`` for what is not `USER@HOST`, or could be taken for an option.
    init(_ text: String, port: Int) throws(CommandFailure) {
      let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let (user, host) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : ("root", text)
      let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
      func fits(_ text: String, _ extra: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && !text.hasPrefix("-")
          && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"):
              true
            default: extra.utf8.contains(byte)
            }
          }
      }
      guard fits(user, "._-"), fits(bare, ".-:%_"), (1...65_535).contains(port) else {
        throw .failed("'\(text)' is not USER@HOST: write it like root@203.0.113.7 or root@2001:db8::7")
      }
      (self.user, self.host, self.port) = (user, bare, port)
    }

    /// As known_hosts writes it.
    var knownName: String { port == 22 ? host : "[\(host)]:\(port)" }
  }

  var target: Target
  var knownHosts: KnownHosts
  var identity: String?
  var key: HostKey?

  /// What the machine's SSH server shows.
  func scan() async throws -> [HostKey] {
    let (output, errors): (String, String)
    do {
      let result = try await Subprocess.run(
        .name("ssh-keyscan"), arguments: ["-T", "10", "-p", "\(target.port)", target.host],
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      (output, errors) = (result.standardOutput, result.standardError)
    } catch {
      throw CommandFailure.failed("ssh-keyscan can not be started (\(error)): install the package openssh-client")
    }
    // Lines of `NAME TYPE KEY`, whatever spelling the name has.
    let keys = output.split(separator: "\n").compactMap { line -> HostKey? in
      let words = line.split(separator: " ")
      return words.count >= 3 && !line.hasPrefix("#") ? HostKey(type: words[1], base64: words[2]) : nil
    }
    guard !keys.isEmpty else {
      throw CommandFailure.failed(
        "\(target.host) port \(target.port) does not answer as an SSH server: \(errors.split(separator: "\n").last ?? "no answer within 10 s")"
      )
    }
    return keys
  }

  private func arguments(_ script: String) -> [String] {
    var arguments = [
      "-p", "\(target.port)", "-o", "UserKnownHostsFile=\(knownHosts.path)", "-o", "GlobalKnownHostsFile=/dev/null",
      "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no", "-o", "CheckHostIP=no", "-o", "HashKnownHosts=no",
      "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=12", "-o", "ConnectTimeout=20", "-o",
      "ClearAllForwardings=yes",
    ]
    if let key {
      // A server with several keys must show the pinned one; RSA keys are used by newer names.
      let names = key.type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : key.type
      arguments += ["-o", "HostKeyAlgorithms=\(names)"]
    }
    if let identity { arguments += ["-i", identity, "-o", "IdentitiesOnly=yes"] }
    if isatty(STDIN_FILENO) == 0 { arguments += ["-o", "BatchMode=yes"] }
    let command = target.user == "root" ? "sh -c '\(script)'" : "sudo -n sh -c '\(script)'"
    return arguments + ["-l", target.user, "--", target.host, command]
  }

  /// Runs a script there, with a file as its standard input.
  /// - Parameter script: without single quotes.
  /// - Returns: what it printed.
  func run(_ script: String, sending file: String) async throws -> String {
    let descriptor: FileDescriptor
    do { descriptor = try FileDescriptor.open(FilePath(file), .readOnly, options: [.closeOnExec]) } catch {
      throw CommandFailure.failed("\(file) can not be read: \(error)")
    }
    let result = try await Subprocess.run(
      .name("ssh"), arguments: Arguments(arguments(script)),
      input: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), output: .string(limit: 8 << 20),
      error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      throw CommandFailure.failed(
        "\(target.user)@\(target.host): \(reason(result.standardError, result.terminationStatus))")
    }
    return result.standardOutput
  }

  /// Runs a script there with a text as its standard input; what it prints goes to standard error as it comes. Its end
  /// says little: the machine goes away under it.
  func follow(_ script: String, sending text: String) async throws {
    let input: FileDescriptor
    do { input = try ProgramInput.file(Array(text.utf8)) } catch {
      throw CommandFailure.failed("a file in \(ProgramInput.temporaryFolder) can not be written: \(error)")
    }
    _ = try await Subprocess.run(
      .name("ssh"), arguments: Arguments(arguments(script)),
      input: .fileDescriptor(input, closeAfterSpawningProcess: true), output: .currentStandardError,
      error: .currentStandardError)
  }

  private func reason(_ text: String, _ status: TerminationStatus) -> String {
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("Warning:") }.suffix(4)
    return lines.isEmpty ? "ssh ended with \(status)" : lines.joined(separator: "; ")
  }
}
