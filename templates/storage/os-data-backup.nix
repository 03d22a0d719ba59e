# A small system disk, a data disk and a disk of the same size for its copy: a mirror, or a second pool that the first
# is replicated to.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.os-data-backup;
  isMirror = cfg.copy == "mirror";
in
{
  options.bootstead.storage.os-data-backup = {
    enable = lib.mkEnableOption "a data disk and a disk for its copy, with ZFS, beside the system disk";
    dataDisk = mkOption {
      type = bootsteadLib.stableDisk;
      example = "/dev/disk/by-id/ata-Example_Disk_1";
      description = "The disk with the data.";
    };
    backupDisk = mkOption {
      type = bootsteadLib.stableDisk;
      example = "/dev/disk/by-id/ata-Example_Disk_2";
      description = "The disk with the copy.";
    };
    copy = mkOption {
      type = types.enum [
        "mirror"
        "replica"
      ];
      default = "replica";
      description = ''
        `mirror` puts both disks into one pool: nothing is lost with one disk, and a deleted file is gone from both.
        `replica` keeps the second disk as a pool of its own, which snapshots are copied to.
      '';
    };
    pool = mkOption {
      type = types.str;
      default = "datapool";
      description = "The data pool's name. The replica's is this with `-backup`.";
    };
    mountPoint = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv/data";
      description = "Where the data set `services` is mounted.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.storage.zfs.pools = {
      ${cfg.pool} = {
        mode = if isMirror then "mirror" else "stripe";
        members = [ cfg.dataDisk ] ++ lib.optional isMirror cfg.backupDisk;
        # The other disk is the redundancy.
        acknowledgeNoRedundancy = !isMirror;
        datasets.services.mountPoint = cfg.mountPoint;
      };
    }
    // lib.optionalAttrs (!isMirror) {
      "${cfg.pool}-backup" = {
        mode = "stripe";
        members = [ cfg.backupDisk ];
        acknowledgeNoRedundancy = true;
      };
    };
    bootstead.backup.zfs-replication = lib.mkIf (!isMirror) {
      enable = true;
      targets.${cfg.pool} = {
        source = cfg.pool;
        target = "${cfg.pool}-backup/${cfg.pool}";
      };
    };
  };
}
