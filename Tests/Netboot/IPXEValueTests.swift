import Netboot
import Testing

/// What iPXE, GRUB or a kernel command line would read as more than text.
private let hostile = [
  "a\nshell", "a\rb", "a\0b", "${net0/mac}", "a || shell", "a && shell", "a #b", "'quoted'", "\"quoted\"", "a\\b",
  "$(id)", "`id`", "a;b", "a|b", "a&b", "a<b", "a>b", "a{b}", "\u{1B}[2J", "naïve", "a\u{202E}b", "",
]

@Suite("Values that are written into scripts")
struct IPXEValueTests {
  @Test("a text that could be a command is refused", arguments: hostile.filter { !$0.contains(";") })
  func hostileText(text: String) {
    #expect(throws: IPXEValueError.self) { try IPXEText(text) }
  }

  @Test("a text that could be a command can be shown with its characters replaced", arguments: hostile)
  func replaced(text: String) throws {
    let shown = IPXEText(replacing: text)
    #expect(try IPXEText(shown.text) == shown)
    #expect(shown.text.count == max(text.count, 1))
  }

  @Test("usual texts stay as they are", arguments: ["node1", "approved, code 4711-22", "see https://a.example/x?y=1"])
  func usualText(text: String) throws {
    #expect(try IPXEText(text).text == text)
    #expect(IPXEText(replacing: text).text == text)
  }

  @Test("a text that iPXE would read as an option is refused, and one too long")
  func optionsAndLength() throws {
    #expect(throws: IPXEValueError.forbiddenCharacter(what: "the text", position: 0)) { try IPXEText("--help") }
    #expect(IPXEText(replacing: "--help").text == "?-help")
    #expect(throws: IPXEValueError.tooLong(what: "the text", length: 161, limit: 160)) {
      try IPXEText(String(repeating: "x", count: 161))
    }
    #expect(IPXEText(replacing: String(repeating: "x", count: 1000)).text.count == 160)
  }

  @Test(
    "a kernel argument that would be two, or mean something to a boot loader, is refused",
    arguments: hostile + [
      "a b", "--", "-x", "=x", String(repeating: "x", count: 256),
    ])
  func hostileArgument(text: String) {
    #expect(throws: IPXEValueError.self) { try KernelArgument(text) }
  }

  @Test(
    "usual kernel arguments are taken",
    arguments: [
      "console=ttyS0,115200", "quiet", "bootstead.mode=install", "ip=192.0.2.1::192.0.2.254:255.255.255.0::eth0:off",
      "modprobe.blacklist=nouveau", "root=/dev/disk/by-id/x-part1", "console=uart8250,io,0x3f8,115200n8",
    ])
  func usualArgument(text: String) throws {
    #expect(try KernelArgument(text).text == text)
  }

  @Test(
    "an address of an appliance is a scheme, a host and a port",
    arguments: [
      "http://192.0.2.10", "http://192.0.2.10:8080", "https://boot.example:443",
    ])
  func goodURL(text: String) throws {
    #expect(try ApplianceURL(text).text == text)
  }

  @Test(
    "anything else is no address of an appliance",
    arguments: [
      "", "192.0.2.10", "ftp://192.0.2.10", "file:///etc/passwd", "http://", "http://:80", "http://a:0",
      "http://a:65536",
      "http://a:80:80", "http://a/", "http://a/b", "http://u@a", "http://a b", "http://a\n", "http://${x}", "http://-a",
      "http://a?b", "http://a#b", "http://a:+80", "HTTP://a", "http://ä",
    ])
  func badURL(text: String) {
    #expect(throws: IPXEValueError.self) { try ApplianceURL(text) }
  }

  @Test("a path has one spelling", arguments: ["/a", "/boot/images/debian-12/kernel", "/boot/overlay/AZ_09~x.cpio"])
  func goodPath(text: String) throws {
    #expect(try URLPath(text).text == text)
  }

  @Test(
    "a path with another spelling, or more than a path, is refused",
    arguments: [
      "", "/", "a", "//a", "/a//b", "/a/", "/a/../b", "/./a", "/a b", "/a?b=c", "/a#b", "/a%2e", "/${x}", "/a\nb",
      "/" + String(repeating: "a", count: 255),
    ])
  func badPath(text: String) {
    #expect(throws: IPXEValueError.self) { try URLPath(text) }
  }
}
