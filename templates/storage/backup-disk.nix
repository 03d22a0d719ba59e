# A second disk in the machine that backups go to. It is mounted while it is used, so that a mistake elsewhere does not
# reach it.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.backupDisk;
in
{
  options.bootstead.storage.backupDisk = {
    enable = lib.mkEnableOption "a disk that backups go to";
    device = mkOption {
      type = types.strMatching "/dev/disk/by-(id|path|uuid|partuuid)/[^/ ]+";
      example = "/dev/disk/by-id/ata-Example_Disk_3-part1";
      description = "The partition with the file system, by a name that stays.";
    };
    type = mkOption {
      type = types.enum [
        "ext4"
        "xfs"
        "btrfs"
      ];
      default = "ext4";
      description = "Its file system.";
    };
    mountPoint = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv/backup";
      description = "Where it is mounted.";
    };
    keepMounted = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it stays mounted between two backups.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.hasPrefix config.bootstead.machine.bootDisk cfg.device;
        message = "bootstead.storage.backupDisk.device: a backup on the boot disk dies with it; name another disk.";
      }
      {
        assertion =
          config.bootstead.storage.dataDisk == null
          || !lib.hasPrefix config.bootstead.storage.dataDisk cfg.device;
        message = "bootstead.storage.backupDisk.device: a backup on the data disk dies with it; name another disk.";
      }
    ];
    fileSystems.${cfg.mountPoint} = {
      inherit (cfg) device;
      fsType = cfg.type;
      options = [
        "noatime"
        "nofail"
        "nosuid"
        "nodev"
        "x-systemd.device-timeout=10s"
      ]
      ++ lib.optionals (!cfg.keepMounted) [
        "noauto"
        "x-systemd.automount"
        "x-systemd.idle-timeout=10min"
      ];
    };
  };
}
