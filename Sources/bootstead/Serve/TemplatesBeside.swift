import Foundation

/// The folder with the NixOS modules: installed beside the program, or in the source tree that it was built in.
/// - Returns: nil where there is none.
func templatesBeside() -> String? {
  let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  var candidates = [
    program.appendingPathComponent("templates"),
    program.deletingLastPathComponent().appendingPathComponent("share/bootstead/templates"),
  ]
  // .build/release/bootstead and .build/PLATFORM/release/bootstead
  var source = program
  for _ in 0..<3 {
    source.deleteLastPathComponent()
    if FileManager.default.fileExists(atPath: source.appendingPathComponent("Package.swift").path) {
      candidates.append(source.appendingPathComponent("templates"))
    }
  }
  return candidates.map(\.path).first { FileManager.default.fileExists(atPath: $0 + "/node-flake.nix") }
}
