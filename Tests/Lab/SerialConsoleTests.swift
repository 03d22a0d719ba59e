import Lab
import Testing

@Suite("Reading a serial console")
struct SerialConsoleTests {
  @Test(
    "control sequences and control characters are left out",
    arguments: [
      ("plain\r\ntext\n", "plain\ntext\n"),
      ("\u{1B}[2J\u{1B}[01;01HBdsDxe: \u{1B}[0mloading", "BdsDxe: loading"),
      ("in\u{1B}[1mstall\u{1B}[?25ler", "installer"),
      ("\u{1B}cSeaBIOS", "SeaBIOS"),
      ("cut off \u{1B}[1", "cut off "),
      ("Größe", "Größe"),
    ])
  func plainText(printed: String, plain: String) {
    #expect(SerialConsole.plain(printed.utf8) == plain)
  }
}
