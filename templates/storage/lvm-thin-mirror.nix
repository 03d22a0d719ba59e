# Two system disks: the system on an md mirror, both EFI system partitions, the thin pool on an LVM mirror.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bootstead.storage;
  # mdadm wants somebody to tell; the agent reads the journal.
  tell = pkgs.writeShellScript "tell-of-array-event" ''
    exec ${pkgs.util-linux}/bin/logger --priority daemon.crit --tag bootstead-storage -- "array $2: $1 ''${3-}"
  '';
in
{
  config = lib.mkIf (cfg.layout == "lvm-thin-mirror") {
    assertions = [
      {
        assertion = cfg.thinPool != null;
        message = "bootstead.storage.layout: \"lvm-thin-mirror\" needs bootstead.storage.thinPool.";
      }
      {
        assertion = cfg.mirror.bootDisk != null;
        message = "bootstead.storage.mirror.bootDisk: the layout \"lvm-thin-mirror\" has two boot disks; name the second.";
      }
    ];
    boot.swraid = {
      enable = true;
      mdadmConf = "PROGRAM ${tell}";
    };
    boot.initrd.kernelModules = [
      "raid1"
      "dm_raid"
    ];
  };
}
