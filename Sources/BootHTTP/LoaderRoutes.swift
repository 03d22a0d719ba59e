import AgentProtocol
import BootDecision
import CPIO
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import Images
import Logging
import NIOCore
import Netboot
import NetworkAddress

extension BootServer {
  func loaderRoutes(_ router: Router<BootRequestContext>) {
    for method in [HTTPRequest.Method.get, .head] {
      router.on("boot/loader/:name", method: method) { request, context in
        let name = try context.parameters.require("name")
        if name == "autoexec.ipxe" { return try script(firstScript(context), request) }
        guard let loader = catalogue.loader(named: name) else { throw HTTPError(.notFound) }
        if let address = context.remoteAddress?.ipAddress.flatMap({ try? IPv4Address($0) }) {
          configuration.onContact(.loader(address))
        }
        // EDK2 knows an EFI program by this type or by the name's ending (HttpBootSupport.c).
        let file = ServedFile(
          path: catalogue.store.path(of: loader.record.blob),
          contentType: name.hasSuffix(".efi") ? "application/efi" : "application/octet-stream",
          entityTag: loader.record.blob.digest)
        return try await fileResponse(file, to: request, context: context)
      }
      router.on("autoexec.ipxe", method: method) { request, context in try script(firstScript(context), request) }
      router.on("boot.ipxe", method: method) { request, context in
        try await script(machineScript(request, context), request)
      }
      router.on("boot/images/:image/:file", method: method) { request, context in
        guard let image = try catalogue.image(named: context.parameters.require("image")) else {
          throw HTTPError(.notFound)
        }
        let blob: Blob
        switch try context.parameters.require("file") {
        case "kernel": blob = image.kernel
        case "initrd": blob = image.initrd
        default: throw HTTPError(.notFound)
        }
        let file = ServedFile(
          path: catalogue.store.path(of: blob), contentType: "application/octet-stream", entityTag: blob.digest)
        return try await fileResponse(file, to: request, context: context)
      }
      router.on("boot/overlay/:file", method: method) { request, context in
        let name = try context.parameters.require("file")
        guard name.hasSuffix(".cpio"), let nonce = try? BootNonce(String(name.dropLast(5))) else {
          throw HTTPError(.notFound)
        }
        return try bytes(await overlay(nonce, context), contentType: "application/x-cpio", request)
      }
    }
  }

  private func firstScript(_ context: BootRequestContext) throws -> IPXEScript {
    try .boot(appliance: ApplianceURL(configuration.advertisedURL(context.reachedAddress)))
  }

  /// The script of one machine. A request that names no machine gets the first script, which asks again.
  private func machineScript(_ request: Request, _ context: BootRequestContext) async throws -> IPXEScript {
    let query = request.uri.queryParameters
    guard let text = query.get("mac"), let mac = try? MACAddress(text) else { return try firstScript(context) }
    func bounded(_ name: String) -> String? {
      query.get(name).map {
        String($0.unicodeScalars.filter { $0.isASCII && $0.value >= 32 }.prefix(128).map(Character.init))
      }
    }
    configuration.onContact(.script(mac))
    let answer = try await fleet.boot(
      BootContact(
        mac: mac, uuid: query.get("uuid").flatMap { try? SystemUUID($0) }, serial: bounded("serial"),
        product: bounded("product"), platform: bounded("platform")), enrolment: configuration.enrolment())
    let appliance = try ApplianceURL(configuration.advertisedURL(context.reachedAddress))
    let name = IPXEText(replacing: answer.name ?? mac.description)
    switch answer.intent {
    case .install, .inventory: return try .install(imageBoot(answer, mac, appliance, name))
    case .rescue: return try .rescue(imageBoot(answer, mac, appliance, name))
    case .localDisk: return try .localDisk(machine: name)
    case .hold(let reason):
      return try .hold(
        appliance: appliance, machine: name, reason: IPXEText(replacing: reason),
        advice: IPXEText(replacing: "bootstead why \(answer.name ?? "")"))
    case .blocked: return try .localDisk(machine: name)
    }
  }

  private func imageBoot(_ answer: BootAnswer, _ mac: MACAddress, _ appliance: ApplianceURL, _ name: IPXEText) throws
    -> InstallBoot
  {
    let image = answer.image ?? configuration.defaultImage
    guard catalogue.image(named: image) != nil, let nonce = answer.nonce else {
      logger.error("the boot image '\(image)' does not exist: bootstead installer build, or bootstead image add")
      throw HTTPError(.notFound, message: "no boot image")
    }
    var arguments = [KernelArgument]()
    for argument in installerArguments + configuration.consoleArguments {
      arguments.append(try KernelArgument(argument))
    }
    arguments.append(try KernelArgument("BOOTIF=01-\(mac.hyphenated)"))
    let doing =
      answer.intent == .install
      ? answer.doing ?? "installing" : answer.intent == .rescue ? "rescue shell" : "inventory only"
    return try InstallBoot(
      appliance: appliance, machine: name, message: IPXEText(replacing: doing),
      kernel: URLPath("/boot/images/\(image)/kernel"), initrd: URLPath("/boot/images/\(image)/initrd"),
      overlay: URLPath("/boot/overlay/\(nonce).cpio"), arguments: arguments)
  }

  /// What turns the public image into this boot: where the appliance is, its key, and the boot's nonce.
  private func overlay(_ nonce: BootNonce, _ context: BootRequestContext) async throws -> [UInt8] {
    let boot: (machine: MachineName, mode: String)
    do { boot = try await fleet.overlay(of: nonce.description) } catch { throw HTTPError(.notFound) }
    let overlay = BootOverlay(
      applianceURL: configuration.advertisedURL(context.reachedAddress), appliancePublicKey: applianceKey.publicKey,
      bootNonce: nonce, machineName: boot.machine.text,
      mode: boot.mode == "rescue" ? .rescue : boot.mode == "inventory" ? .inventory : .install)
    let path = String(BootOverlay.path.drop { $0 == "/" })
    return try CPIOArchive.overlay(files: [
      .init(path: path, bytes: try MessageCoder.encode(overlay), permissions: 0o644)
    ])
  }

  private func script(_ script: IPXEScript, _ request: Request) -> Response {
    bytes(script.bytes, contentType: "text/plain", request)
  }

  private func bytes(_ content: [UInt8], contentType: String, _ request: Request) -> Response {
    let headers: HTTPFields = [
      .contentType: contentType, .contentLength: String(content.count), .cacheControl: "no-store",
    ]
    if request.method == .head { return Response(status: .ok, headers: headers) }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: content)))
  }
}

/// Of the installer's kernel, before those of the appliance's consoles. One that can not go on, or in which a program
/// waits for a disk for five minutes without any of it coming, restarts the machine after 30 seconds: it comes back from
/// the network and goes on, or, after a take-over, from its old system.
let installerArguments = [
  "loglevel=4", "panic=30", "hung_task_panic=1", "sysctl.kernel.hung_task_timeout_secs=300", "console=tty0",
]
