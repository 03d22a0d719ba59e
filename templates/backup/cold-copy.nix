# A copy on a disk that lies in a drawer: started by hand when the disk is plugged in.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.cold-copy;
in
{
  options.bootstead.backup.cold-copy = {
    enable = lib.mkEnableOption "a copy on a disk that is plugged in for it; `systemctl start bootstead-backup-cold-copy`";
    device = mkOption {
      type = types.strMatching "/dev/disk/by-(id|uuid|partuuid)/[^/ ]+";
      example = "/dev/disk/by-id/usb-Example_Drawer_Disk_42-0:0-part1";
      description = "The partition, by a name that stays. Nothing mounts it but the copy itself.";
    };
    classes = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        "photos"
        "appdata"
      ];
      description = "The placement classes that are copied.";
    };
    passphrase = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:cold-copy-passphrase";
      description = "The secret with the passphrase of the copy.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.plans.cold-copy = {
      design = "cold-copy";
      tier = 3;
      schedule = null;
      packages = [
        pkgs.borgbackup
        pkgs.util-linux
      ];
      secrets = [ cfg.passphrase ];
      settings = {
        inherit (cfg) device classes;
        passphraseFile = bootsteadLib.secretPath cfg.passphrase;
      };
    };
  };
}
