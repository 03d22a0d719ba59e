import TFTP
import Testing

@Suite("Options that client and server agree on")
struct AgreementTests {
  private static func agree(_ pairs: [(String, String)], size: Int = 1000, limits: TFTPLimits = .init())
    -> TFTPAgreement
  {
    TFTPAgreement(options: pairs.map { TFTPOption($0.0, $0.1) }, size: size, limits: limits)
  }

  @Test(
    "the block size is what was asked for, up to the limit",
    arguments: [
      ("8", 8, true), ("512", 512, true), ("1428", 1428, true), ("1468", 1468, true), ("1469", 1468, true),
      ("65464", 1468, true), ("0", 512, false), ("7", 512, false), ("65465", 512, false), ("-1", 512, false),
      ("4294967296", 512, false), ("0x10", 512, false), ("１", 512, false), ("", 512, false), (" 512", 512, false),
      ("99999999999999999999", 512, false),
    ])
  func blockSize(value: String, size: Int, isAnswered: Bool) {
    let agreement = Self.agree([("blksize", value)])
    #expect(agreement.blockSize == size)
    #expect(agreement.acknowledged == (isAnswered ? [TFTPOption("blksize", String(size))] : []))
  }

  @Test(
    "the window is what was asked for, up to the limit",
    arguments: [
      ("0", 1, false), ("1", 1, true), ("4", 4, true), ("64", 16, true), ("65535", 16, true), ("65536", 1, false),
    ])
  func windowSize(value: String, size: Int, isAnswered: Bool) {
    let agreement = Self.agree([("windowsize", value)])
    #expect(agreement.windowSize == size)
    #expect(agreement.acknowledged == (isAnswered ? [TFTPOption("windowsize", String(size))] : []))
  }

  @Test(
    "the timeout is answered unchanged or not at all", arguments: [("0", nil), ("1", 1), ("255", 255), ("256", nil)])
  func timeout(value: String, seconds: Int?) {
    let agreement = Self.agree([("timeout", value)])
    #expect(agreement.timeoutSeconds == seconds)
    #expect(agreement.acknowledged == (seconds == nil ? [] : [TFTPOption("timeout", value)]))
  }

  @Test("the size is answered in full, beyond 4 GiB too", arguments: [0, 1, 5 << 32])
  func transferSize(size: Int) {
    #expect(Self.agree([("tsize", "0")], size: size).acknowledged == [TFTPOption("tsize", String(size))])
    #expect(Self.agree([("tsize", "abc")], size: size).acknowledged.isEmpty)
  }

  @Test("only what was asked for is answered, in its order and spelling")
  func strictEcho() {
    let agreement = Self.agree([("TSIZE", "0"), ("multicast", ""), ("BlkSize", "1024"), ("rollover", "1")], size: 9)
    #expect(agreement.acknowledged == [TFTPOption("TSIZE", "9"), TFTPOption("BlkSize", "1024")])
    #expect(Self.agree([]).acknowledged.isEmpty)
    #expect(Self.agree([("blksize2", "1024")]).acknowledged.isEmpty)
  }

  @Test("of an option given twice the first counts")
  func duplicates() {
    let agreement = Self.agree([("blksize", "600"), ("blksize", "1000")])
    #expect(agreement.blockSize == 600)
    #expect(agreement.acknowledged == [TFTPOption("blksize", "600")])
  }

  @Test("limits out of range are brought into it")
  func limits() {
    #expect(TFTPLimits(blockSize: 0, windowSize: 0) == TFTPLimits(blockSize: 8, windowSize: 1))
    #expect(TFTPLimits(blockSize: 1 << 20, windowSize: 1 << 20) == TFTPLimits(blockSize: 65464, windowSize: 64))
  }

  @Test("what real clients ask for is agreed to")
  func clients() {
    let edk2 = Self.agree([("tsize", "0"), ("blksize", "1468"), ("windowsize", "4")], size: 173_792)
    #expect((edk2.blockSize, edk2.windowSize) == (1468, 4))
    #expect(edk2.acknowledged.count == 3)
    let uboot = Self.agree([("timeout", "5"), ("blksize", "1468")])
    #expect(uboot.timeoutSeconds == 5)
  }
}
