import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

struct BackupArchives: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "archives", abstract: "The archives of a stack.")

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stack.") var stack: String
  @Option(help: "The plan, where several hold the stack.") var plan: String?

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, set, configuration) = try backup.context()
      let plan = try backup.plan(plan, stack: stack, set, configuration)
      let archives = try await engine.repository(of: stack, plan: plan, configuration: configuration).archives()
      print(
        backup.options.json
          ? try NodeWorkJSON.text(archives) : NodeWorkOutput.table(archives.map { [$0.name, $0.start] }))
    }
  }
}

struct BackupExtract: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract", abstract: "Lay an archive, or parts of it, down in a new folder.")

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stack.") var stack: String
  @Argument(help: "The archive, or 'latest'.") var archive: String
  @Argument(help: "The folder, which is new or empty.") var folder: String
  @Argument(help: "Paths in the archive, such as volumes/library/2024; all where there are none.")
  var paths: [String] = []
  @Option(help: "The plan, where several hold the stack.") var plan: String?

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, set, configuration) = try backup.context()
      let name = try await engine.extract(
        stack, archive: archive, to: folder, paths: paths, plan: backup.plan(plan, stack: stack, set, configuration),
        configuration: configuration)
      print(
        backup.options.json ? try NodeWorkJSON.text(["archive": name, "folder": folder]) : "\(name) is in \(folder)")
    }
  }
}

struct BackupRestore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Bring a stack's data back, start it, and run its verify hooks.",
    discussion: """
      The archive is fetched whole before anything stops. What is there now is not erased: it stays beside, as \
      VOLUME.before-RUN, and is named at the end.
      """)

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stack.") var stack: String
  @Option(help: "The archive.") var archive = "latest"
  @Option(help: "The plan, where several hold the stack.") var plan: String?

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, set, configuration) = try backup.context()
      let plan = try backup.plan(plan, stack: stack, set, configuration)
      // Nobody starts the stack meanwhile.
      let (result, kept) = try await ServicesLock.holding(stack, backup.options.folders) {
        try await engine.restore(stack, archive: archive, plan: plan, configuration: configuration)
      }
      if result.hasSucceeded { try SnapshotEngine.forgetHalted(stack, backup.options.folders) }
      if backup.options.json {
        print(try NodeWorkJSON.text(result))
      } else {
        for note in result.notes { print(note) }
        for path in kept { print("what was there is in \(path)") }
        if result.hasSucceeded {
          print("\(stack) is as in \(result.archive)\(result.isVerified ? ", and its hooks passed" : "")")
        }
      }
      if let problem = result.problem { throw NodeWorkError(.verification, problem) }
    }
  }
}

struct BackupCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "check", abstract: "Look for damage in repositories.")

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stacks.") var stacks: [String]
  @Option(help: "The plan, where several hold a stack.") var plan: String?
  @Flag(help: "Read and check all data, which takes long.") var verifyData = false

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, set, configuration) = try backup.context()
      let plans = try stacks.map { (stack: $0, plan: try backup.plan(plan, stack: $0, set, configuration)) }
      let checks = try await engine.check(plans, verifyData: verifyData, configuration: configuration) { check in
        if let problem = check.problem {
          NodeWorkOutput.say("\(check.stack): \(problem)")
        } else if !backup.options.json {
          print("\(check.stack): whole")
        }
      }
      let problems = Dictionary(
        checks.compactMap { check in check.problem.map { (check.stack, $0) } }, uniquingKeysWith: { first, _ in first })
      if backup.options.json { print(try NodeWorkJSON.text(["problems": problems])) }
      if !problems.isEmpty { throw ExitCode.failure }
    }
  }
}

struct BackupCoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Which stack has which copies, when one was last restored, and what is missing.",
    discussion: "Ends with 1 where something is missing.")

  @OptionGroup var backup: BackupOptions

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (_, set, configuration) = try backup.context()
      let coverage = try await BackupCoverage.read(
        set: set, configuration: configuration, folders: backup.options.folders, runner: SubprocessRunner())
      if backup.options.json {
        print(try NodeWorkJSON.text(coverage))
      } else {
        let tiers = Set(
          configuration.plans.values.map(\.tier) + (configuration.others ?? [:]).values.map(\.tier)
        ).sorted()
        let head = ["stack"] + tiers.map { "tier \($0)" } + ["3-2-1", "restored", "missing"]
        var rows = [head]
        for row in coverage.rows {
          var cells = [row.stack]
          for tier in tiers { cells.append(row.newest["\(tier)"].map { NodeWorkJSON.text($0) } ?? "-") }
          cells.append(row.threeTwoOne.text)
          cells.append(
            row.restored.map { NodeWorkJSON.text($0) + (row.isVerified ? ", verified" : ", files alone") } ?? "-")
          cells.append((row.gaps + row.notes).joined(separator: "; "))
          rows.append(cells)
        }
        print(NodeWorkOutput.table(rows))
      }
      if coverage.rows.contains(where: { !$0.gaps.isEmpty }) { throw ExitCode.failure }
    }
  }
}

struct BackupKeys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "The keys of repositories.", subcommands: [BackupKeysExport.self])
}

struct BackupKeysExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write each repository's key into a folder, for its owner alone.",
    discussion: """
      A key is of use with its passphrase only. Keep both, and not on this machine. One that can not be read leaves the \
      others alone; it ends with 1 then.
      """)

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The folder.") var folder: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try backup.context()
      let states = await engine.exportKeys(to: folder, configuration: configuration)
      if backup.options.json { print(try NodeWorkJSON.text(states)) }
      for state in states {
        if let problem = state.problem {
          NodeWorkOutput.say("\(state.stack): \(problem)")
        } else if let file = state.keyFile, !backup.options.json {
          print(file)
        }
      }
      if states.contains(where: { $0.problem != nil }) { throw ExitCode.failure }
    }
  }
}

struct BackupTestRestore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test-restore",
    abstract: "Restore the latest archive of each stack into a scratch folder, and run its verify hooks on a copy.",
    discussion: """
      The copy has another name, no open ports and a private network without a way out, and is removed whatever happens. \
      Of a stack that can not run twice, the files are looked at alone, and why is said. Ends with 1 where one failed.
      """)

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stacks; all where there are none.") var names: [String] = []
  @Option(help: "The plan; otherwise all that hold a stack, and an object store only where no other does.")
  var plan: String?
  @Option(help: "A folder with room for the largest stack.") var scratch = "/srv/scratch"
  @OptionGroup var patience: LockWaitOption

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try backup.context(lockWait: patience.duration)
      let results = try await engine.testRestores(
        of: names, plan: plan, scratch: scratch, configuration: configuration
      ) { result in
        guard !backup.options.json else { return }
        let state = result.isVerified ? "came back, and its hooks passed" : "came back"
        let notes = result.notes.isEmpty ? "" : " (\(result.notes.joined(separator: "; ")))"
        print("\(result.stack): \(result.problem ?? "\(result.archive) \(state)")\(notes)")
      }
      if backup.options.json { print(try NodeWorkJSON.text(results)) }
      if results.contains(where: { !$0.hasSucceeded }) { throw ExitCode.failure }
    }
  }
}
