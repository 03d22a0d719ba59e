import FoundationEssentials
import StackSet

/// What a restore under way has changed, or is about to: written before each change, so that whoever comes after a failure,
/// a kill or a power cut can take it back, or go on where all data is in its place.
struct RestoreJournal: Sendable, Hashable, Codable {
  enum Step: String, Sendable, Hashable, Codable {
    /// Nothing that runs was touched.
    case fetch
    case stop
    /// Volumes take each other's place.
    case exchange
    /// Dumps are loaded.
    case load
    /// All data is there: the stack starts, and is asked whether it works.
    case start
    /// The data from before is back.
    case undone

    var hasStopped: Bool { self == .stop || hasExchanged }
    var hasExchanged: Bool { [.exchange, .load].contains(self) }
  }

  struct Volume: Sendable, Hashable, Codable {
    var name: String
    var path: String
    /// The folder that the archive's volume is fetched into, on the volume's own file system, so that a rename suffices.
    var beside: String
    /// Where the data from before goes.
    var before: String
    /// Where the archive's data goes when it is taken back.
    var aside: String
    /// Whether there was data before.
    var hadData: Bool
    /// Whether it was taken back.
    var isBack = false

    var fetched: String { "\(beside)/volumes/\(name)" }

    init(_ volume: StackVolume, of stack: String, run: String) {
      (name, path) = (volume.name, volume.path)
      beside = "\(DurableFile.folder(of: path))/.bootstead-restore-\(stack)-\(name)"
      before = "\(path).before-\(run)"
      aside = beside + ".undone"
      hadData = DurableFile.exists(path)
    }
  }

  var schema = 1
  /// In the environment of the children.
  var run: String
  var stack: String
  var archive: String
  var step = Step.fetch
  var volumes: [Volume] = []
  /// Services that ran before.
  var services: [String] = []

  /// Refuses to start a stack whose volumes are between their places.
  static func checkStart(of stack: String, _ folders: NodeFolders) throws(NodeWorkError) {
    guard let journal = try DurableFile.value(RestoreJournal.self, at: folders.restoreJournal(stack)),
      journal.step.hasStopped
    else { return }
    throw NodeWorkError(
      .unfinished, "a restore of \(stack) from \(journal.archive) is under way, or was cut off and not taken back yet",
      advice: "wait until it is done; where none is at work, run 'bootstead-agent backup recover'")
  }
}
