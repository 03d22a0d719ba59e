import StackSet

extension StackSet {
  static func sample(directory: String = "/srv/stacks", _ stacks: [CompiledStack]) -> StackSet {
    StackSet(
      machine: "node1", engine: .docker, directory: directory, networks: [], stacks: stacks, routes: [], names: [],
      hub: HubConfiguration(), monitors: [])
  }
}

extension CompiledStack {
  static func sample(
    _ name: String, digest: String = "1", configurations: [String: String] = [:], volumes: [StackVolume] = [],
    dependsOn: [String] = [], backup: StackBackup = StackBackup()
  ) -> CompiledStack {
    var stack = CompiledStack(
      name: name, template: name, order: 70, compose: #"{"name":"\#(name)"}"#, configurations: configurations,
      volumes: volumes, secrets: [], dependsOn: dependsOn, backup: backup, routes: [], monitors: [],
      isKubernetesCandidate: false)
    stack.digest = digest
    return stack
  }
}

extension StackVolume {
  static func sample(
    _ name: String, class: PlacementClass = .appdata, _ path: String, owner: StackOwner, size: UInt64? = nil,
    isSizeSet: Bool? = nil
  ) -> StackVolume {
    StackVolume(
      name: name, class: `class`, path: path, owner: owner, isShared: false, isBackedUp: true, size: size,
      isSizeSet: isSizeSet)
  }
}
