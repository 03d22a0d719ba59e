import CKexec
import Glibc
import NodeFiles
import ProgramRunner

/// Loads another kernel beside the running one.
struct KernelLoader: Sendable {
  let log: AgentLog
  let runner: any CommandRunner

  /// Files in memory: nothing of a take-over touches a disk.
  struct MemoryFile: ~Copyable {
    let descriptor: Int32

    init(_ name: String) throws(FileError) {
      descriptor = ckexec_memory_file(name)
      guard descriptor >= 0 else { throw FileError("make the file in memory", name, error: errno) }
    }

    deinit { close(descriptor) }

    /// What `open` finds it by, also for other programs while this one runs.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    func append(_ bytes: [UInt8]) throws(FileError) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw FileError("write", "the file in memory", error: errno) }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// `kexec_file_load`, by which the kernel itself sets everything up. Where it is missing or can not read this kernel,
  /// `kexec_load` by the `kexec` program of kexec-tools, if the machine has it.
  /// - Returns: the system call that did it.
  func load(kernel: borrowing MemoryFile, initrd: borrowing MemoryFile, arguments: String) async throws -> String {
    let code = ckexec_file_load(kernel.descriptor, initrd.descriptor, arguments, UInt(arguments.utf8.count + 1))
    if code == 0 {
      return "kexec_file_load"
    }
    let reason = String(cString: strerror(code))
    // Not signed by a key that the kernel trusts, or forbidden: the other call is forbidden then too.
    if [EPERM, EACCES, 129 /* EKEYREJECTED */, 126 /* ENOKEY */, 74 /* EBADMSG */, 65 /* ENOPKG */].contains(code) {
      throw LoadError.refused(reason)
    }
    if [ENOMEM, EADDRNOTAVAIL].contains(code) { throw LoadError.noMemory }
    log.say("kexec_file_load: \(reason); trying kexec_load")
    let (kernelPath, initrdPath) = (kernel.path, initrd.path)
    do {
      try await runner.run(
        Command(
          "kexec", ["--load", "--kexec-syscall", kernelPath, "--initrd=\(initrdPath)", "--command-line=\(arguments)"]))
    } catch {
      throw LoadError.noTool(fileLoad: reason, tool: "\(error)")
    }
    return "kexec_load"
  }
}

/// The kernel did not take the installer.
enum LoadError: Error, Sendable, CustomStringConvertible {
  case refused(String)
  case noMemory
  case noTool(fileLoad: String, tool: String)

  var description: String {
    switch self {
    case .refused(let reason):
      "the running kernel refuses to load the installer (\(reason)): Secure Boot or lockdown allows only kernels with a signature that it trusts; switch Secure Boot off in the firmware, or boot the installer another way"
    case .noMemory: "there is not enough free memory to load the installer: stop what uses it, and try again"
    case .noTool(let fileLoad, let tool):
      "the running kernel can not load the installer by kexec_file_load (\(fileLoad)), nor could kexec-tools by kexec_load (\(tool)): install the package kexec-tools and try again"
    }
  }
}
