import ProgramRunner
import StackSet

extension BackupEngine {
  /// A stack's repository under a plan.
  public func repository(
    of stack: String, plan: BackupPlan, configuration: BackupConfiguration
  ) throws(NodeWorkError) -> any BackupRepository {
    switch plan.design {
    case .borg(let settings):
      let (name, repository) = try declared(plan, configuration, type: "borg")
      guard let passphrase = settings.passphraseFiles[stack] ?? repository.passphraseFile else {
        throw NodeWorkError(.configuration, "no passphrase is declared for \(stack)")
      }
      return BorgRepository(
        url: repository.url + (repository.url.hasSuffix("/") ? "" : "/") + stack, passphraseFile: passphrase,
        remoteShell: try remoteShell(name, repository), folder: folders.borg, encryption: settings.encryption,
        compression: settings.compression, runner: runner)
    case .restic(let settings):
      if let offsite = settings.offsite {
        return ResticRepository(
          url: ResticRepository.url(offsite.url, below: stack), stack: stack, machine: set.machine,
          passphraseFile: offsite.passphraseFile, environmentFiles: offsite.environmentFiles, folder: folders.restic,
          uploadLimit: offsite.uploadLimit, runner: runner)
      }
      let (name, repository) = try declared(plan, configuration, type: "restic")
      guard let passphrase = repository.passphraseFile else {
        throw NodeWorkError(
          .configuration, "the repository \(name) has no passphrase", advice: "name a secret as its 'passphrase'")
      }
      return ResticRepository(
        url: ResticRepository.url(repository.url, below: stack), stack: stack, machine: set.machine,
        passphraseFile: passphrase, environmentFiles: repository.environmentFiles, folder: folders.restic,
        runner: runner)
    case .snapshots, .dumps, .mirror, .coldCopy, .proxmox, .other:
      throw NodeWorkError(.configuration, "this plan has no repositories with archives")
    }
  }

  private func declared(
    _ plan: BackupPlan, _ configuration: BackupConfiguration, type: String
  ) throws(NodeWorkError) -> (String, BackupConfiguration.Repository) {
    guard let name = plan.repository, let repository = configuration.repositories[name] else {
      throw NodeWorkError(.configuration, "the plan names no repository that is declared")
    }
    guard repository.type == type else {
      throw NodeWorkError(.configuration, "the repository \(name) is of the type \(repository.type), and not \(type)")
    }
    return (name, repository)
  }

  func remoteShell(
    _ name: String, _ repository: BackupConfiguration.Repository
  ) throws(NodeWorkError) -> String? {
    if let shell = repository.remoteShell { return shell }
    guard repository.url.hasPrefix("ssh://") || repository.url.contains("@") else { return nil }
    var shell = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=30 -oServerAliveCountMax=4"
    if let key = repository.sshKeyFile { shell += " -oIdentitiesOnly=yes -i '\(key)'" }
    if let line = repository.hostKey {
      let hosts = folders.borg + "/known-hosts.\(name)"
      try DurableFile.write(Array((line + "\n").utf8), to: hosts)
      shell += " -oStrictHostKeyChecking=yes -oUserKnownHostsFile='\(hosts)'"
    }
    return shell
  }
}
