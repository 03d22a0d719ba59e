# Disks in USB enclosures. They come and go: the machine starts without them, and they are never the system disk.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.usb;
in
{
  options.bootstead.storage.usb.disks = mkOption {
    default = { };
    example = {
      media = {
        device = "/dev/disk/by-id/usb-Example_Disk_0123-0:0-part1";
        mountPoint = "/srv/media";
        type = "ext4";
      };
    };
    description = "USB disks by name.";
    type = types.attrsOf (
      types.submodule {
        options = {
          device = mkOption {
            type = types.strMatching "/dev/disk/by-(id/(usb|ata|wwn|scsi)-[^/ ]+|uuid/[0-9A-Za-z-]+|partuuid/[0-9a-f-]+)";
            example = "/dev/disk/by-id/usb-Example_Disk_0123-0:0-part1";
            description = "The partition, by a name that stays when it is plugged in elsewhere.";
          };
          mountPoint = mkOption {
            type = bootsteadLib.absolutePath;
            example = "/srv/media";
            description = "Where it is mounted.";
          };
          type = mkOption {
            type = types.enum [
              "ext4"
              "xfs"
              "btrfs"
              "exfat"
              "ntfs3"
              "vfat"
            ];
            description = "Its file system.";
          };
          automount = mkOption {
            type = types.bool;
            default = false;
            description = "Whether it is mounted when it is first used, and unmounted when nobody uses it, so that it may be unplugged.";
          };
          readOnly = mkOption {
            type = types.bool;
            default = false;
            description = "Whether nothing is written to it.";
          };
        };
      }
    );
  };

  config = lib.mkIf (cfg.disks != { }) {
    assertions = lib.mapAttrsToList (name: disk: {
      assertion = !lib.hasPrefix config.bootstead.machine.bootDisk disk.device;
      message = "bootstead.storage.usb.disks.${name}.device: ${disk.device} is the machine's boot disk.";
    }) cfg.disks;

    fileSystems = lib.mapAttrs' (_: disk: {
      name = disk.mountPoint;
      value = {
        inherit (disk) device;
        fsType = disk.type;
        options = [
          "noatime"
          "nofail"
          "x-systemd.device-timeout=10s"
        ]
        ++ lib.optionals disk.automount [
          "noauto"
          "x-systemd.automount"
          "x-systemd.idle-timeout=5min"
        ]
        ++ lib.optional disk.readOnly "ro";
      };
    }) cfg.disks;
    # Enclosures that answer late by UAS are found before somebody waits for them.
    boot.kernelModules = [ "uas" ];
  };
}
