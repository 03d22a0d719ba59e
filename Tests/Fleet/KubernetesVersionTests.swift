import Fleet
import Testing

@Suite("Versions of k3s")
struct KubernetesVersionTests {
  @Test(
    "One is read as k3s and as Nix write it; other texts are none",
    arguments: [
      ("v1.33.4+k3s1", 33), ("1.34.1+k3s1", 34), ("v1.36.0-rc1+k3s1", 36), ("1.33", nil), ("v1.x.1", nil), ("", nil),
      ("1.99999999999999999999.1", nil), ("v1.33.4 evil", nil),
    ] as [(String, Int?)])
  func read(text: String, minor: Int?) {
    #expect(KubernetesVersion(text)?.minor == minor)
  }

  @Test("A closure's is that of its package k3s, whatever else is called so")
  func packages() {
    #expect(
      KubernetesVersion(packages: ["bash-5.2", "k3s-cni-plugins-1.7.1", "k3s-1.34.1+k3s1", "k3s-killall"])?.description
        == "1.34.1+k3s1")
    #expect(KubernetesVersion(packages: ["bash-5.2"]) == nil)
  }

  @Test(
    "No minor version is left out, and none goes back",
    arguments: [
      ("1.34.1", ["1.33.4"], nil), ("1.33.9", ["1.33.4", "1.33.4"], nil), ("1.33.1", ["1.33.4"], nil),
      ("1.34.1", ["1.34.1", "1.33.4"], nil), ("1.35.0", ["1.33.4"], "first 1.34"),
      ("1.35.0", ["1.34.1", "1.33.4"], "first 1.34"), ("1.32.0", ["1.33.4"], "does not go back"),
      ("2.0.0", ["1.33.4"], "is wanted"), ("1.35.0", [], nil),
    ] as [(String, [String], String?)])
  func skew(wanted: String, running: [String], reason: String?) throws {
    let refusal = try #require(KubernetesVersion(wanted)).refusal(after: running.compactMap { KubernetesVersion($0) })
    if let reason {
      #expect(refusal?.contains(reason) == true, "\(refusal ?? "no refusal")")
    } else {
      #expect(refusal == nil)
    }
  }
}
