import DHCP
import NetworkAddress
import TFTP

/// shim 16.1, started by EDK2 PXE: loads by the firmware's TFTP, in blocks of 512 bytes.
final class ShimClient: SimulatedClient {
  private static let optionalFiles = ["revocations_sku.efi", "revocations_sbat.efi", "shim_certificate_0.efi"]

  /// How long each optional file took to be refused.
  private(set) var refusals: [Duration] = []
  private let firmware: EDK2Client

  init(after firmware: EDK2Client) {
    self.firmware = firmware
    super.init(firmware.lan, firmware.mac, on: firmware.link)
  }

  override func begin() {
    guard let lease = firmware.lease, case .loaded(let own, _) = firmware.outcome else {
      return finish(.gaveUp(.nothingToBoot))
    }
    adopt(lease)
    // "Proxy should not have precedence" (netboot.c, parseDhcp4): the file of the DHCP server's acknowledgement wins.
    let isProxys = lease.bootFileName.isEmpty
    let name = isProxys ? own : lease.bootFileName
    let server = isProxys ? firmware.bootServer : lease.bootServer
    let folder = name.split(separator: "/").dropLast().map { "\($0)/" }.joined()
    load((Self.optionalFiles + ["grubx64.efi"]).map { folder + $0 }[...], from: server)
  }

  private func load(_ names: ArraySlice<String>, from server: IPv4Address) {
    guard let name = names.first else { return finish(.gaveUp(.tftpError)) }
    let options = [TFTPOption("blksize", "512"), TFTPOption("windowsize", "4")]
    let begun = lan.now
    download(name, from: server, EDK2Client.manner(options, isProbe: false)) { [weak self] result in
      guard let self else { return }
      switch result {
      case .file(let content) where names.count == 1:
        self.content = content
        finish(.loaded(name, from: server))
      case .error(.fileNotFound) where names.count > 1:
        refusals.append(lan.now - begun)
        load(names.dropFirst(), from: server)
      case .timedOut where names.count > 1: load(names.dropFirst(), from: server)
      default: finish(.gaveUp(EDK2Client.failure(result)))
      }
    }
  }
}
