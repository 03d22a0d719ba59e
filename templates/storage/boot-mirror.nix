# The second boot disk of the mirrored layouts: the boot loader and the kernels are on both.
{ config, lib, ... }:
let
  cfg = config.bootstead.storage;
  startsByBIOS = config.bootstead.machine.firmware != "uefi";
in
{
  config = lib.mkIf (cfg.mirror.bootDisk != null) {
    assertions = [
      {
        assertion = lib.elem cfg.layout [
          "lvm-thin-mirror"
          "zfs-boot-mirror"
        ];
        message = "bootstead.storage.mirror.bootDisk: the layout \"${cfg.layout}\" has one boot disk.";
      }
      {
        assertion = lib.any (entry: entry.mountPoint == cfg.mirror.mountPoint) cfg.fileSystems;
        message = "bootstead.storage.fileSystems: the second boot disk's EFI system partition has to be mounted on ${cfg.mirror.mountPoint}.";
      }
    ];
    boot.loader.grub.mirroredBoots = [
      {
        path = cfg.mirror.mountPoint;
        efiSysMountPoint = cfg.mirror.mountPoint;
        devices = if startsByBIOS then [ cfg.mirror.bootDisk ] else [ "nodev" ];
      }
    ];
  };
}
