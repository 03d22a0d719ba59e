# The system itself on a mirrored ZFS pool over two disks.
{ config, lib, ... }:
let
  cfg = config.bootstead.storage;
in
{
  config = lib.mkIf (cfg.layout == "zfs-boot-mirror") {
    assertions = [
      {
        assertion = cfg.mirror.bootDisk != null;
        message = "bootstead.storage.mirror.bootDisk: the layout \"zfs-boot-mirror\" has two boot disks; name the second.";
      }
      {
        assertion = lib.any (entry: entry.mountPoint == "/" && entry.type == "zfs") cfg.fileSystems;
        message = "bootstead.storage.fileSystems: the layout \"zfs-boot-mirror\" has / on ZFS.";
      }
    ];
    boot.zfs = {
      devNodes = "/dev/disk/by-id";
      forceImportRoot = false;
      forceImportAll = false;
    };
    services.zfs.autoScrub.enable = lib.mkDefault true;
  };
}
