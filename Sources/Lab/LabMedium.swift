/// A stick or a CD that a machine boots from. A machine with one has no network boot: with the interface `e1000`, for
/// which OVMF has no driver, and without a boot ROM.
public enum LabMedium: Sendable {
  case usbStick(path: String)
  case cd(path: String)

  func arguments(isOrdered: Bool) -> [String] {
    let order = isOrdered ? ",bootindex=1" : ""
    func drive(_ path: String) -> [String] {
      ["-drive", "if=none,id=medium,file=\(path),format=raw,readonly=on"]
    }
    return switch self {
    case .usbStick(let path):
      ["-device", "qemu-xhci"] + drive(path) + ["-device", "usb-storage,drive=medium,removable=on\(order)"]
    case .cd(let path): drive(path) + ["-device", "ide-cd,drive=medium\(order)"]
    }
  }
}
