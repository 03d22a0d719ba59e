# Proxmox Backup Client: archives of folders on a Proxmox Backup Server.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.pbs;
in
{
  options.bootstead.backup.pbs = {
    enable = lib.mkEnableOption "archives on a Proxmox Backup Server";
    repository = mkOption {
      type = types.str;
      example = "pbs";
      description = "The repository, of type `pbs`: `backup@pbs!node1@pbs.example.com:store`, with `PBS_PASSWORD` in its environment.";
    };
    paths = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        config.bootstead.stacks.directory
        config.bootstead.stacks.placement.appdata
      ];
      defaultText = lib.literalMD "the stacks' folder and the placement class `appdata`";
      description = "The folders, one archive each.";
    };
    namespace = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "The name space on the server.";
    };
    schedule = mkOption {
      type = types.str;
      default = "02:00";
      description = "When, as systemd writes calendar times.";
    };
    retention = bootsteadLib.retention {
      last = 3;
      daily = 7;
      weekly = 4;
      monthly = 3;
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.plans.pbs = {
      design = "pbs";
      tier = 0;
      inherit (cfg) schedule repository;
      packages = [ pkgs.proxmox-backup-client ];
      settings = {
        inherit (cfg) paths namespace retention;
      };
    };
  };
}
