/// The text that `nix-store --load-db` reads and `nix-store --dump-db` writes: per path its name, NAR hash in
/// hexadecimal, NAR size, deriver or an empty line, number of references, references.
public enum NixRegistration {
  /// In the order given.
  public static func text(for paths: some Sequence<NarInfo>) -> String {
    var text = ""
    for info in paths {
      text += "\(info.storePath)\n\(info.narHash.hexadecimal)\n\(info.narSize)\n"
      text += (info.deriver?.description ?? "") + "\n\(info.references.count)\n"
      for reference in info.references { text += "\(reference)\n" }
    }
    return text
  }
}
