/// Messages put together byte by byte, independent of the serialiser.
enum WireBytes {
  static func message(
    operation: UInt8 = 1, hardwareType: UInt8 = 1, hardwareAddressLength: UInt8 = 6, serverName: [UInt8] = [],
    file: [UInt8] = [], cookie: [UInt8] = [0x63, 0x82, 0x53, 0x63], options: [UInt8] = [255]
  ) -> [UInt8] {
    var bytes: [UInt8] = [operation, hardwareType, hardwareAddressLength, 3]
    bytes += [0x12, 0x34, 0x56, 0x78]  // xid
    bytes += [0x00, 0x04, 0x80, 0x00]  // secs, flags
    bytes += [192, 0, 2, 1, 192, 0, 2, 2, 192, 0, 2, 3, 192, 0, 2, 4]
    bytes += [0x52, 0x54, 0x00, 0x12, 0x34, 0x56] + [UInt8](repeating: 0, count: 10)
    bytes += serverName + [UInt8](repeating: 0, count: 64 - serverName.count)
    bytes += file + [UInt8](repeating: 0, count: 128 - file.count)
    return bytes + cookie + options
  }
}
