# A mirror of the stacks and their data by rsync. It follows deletions, so that a guard stops where too much is gone.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.rsync-mirror;
in
{
  options.bootstead.backup.rsync-mirror = {
    enable = lib.mkEnableOption "a mirror by rsync";
    repository = mkOption {
      type = types.str;
      example = "nas-mirror";
      description = "The repository, of type `rsync`: `backup@nas.example.com:/backups/node1` and its SSH key.";
    };
    paths = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        config.bootstead.stacks.directory
        config.bootstead.stacks.placement.appdata
      ];
      defaultText = lib.literalMD "the stacks' folder and the placement class `appdata`";
      description = "What is mirrored.";
    };
    schedule = mkOption {
      type = types.str;
      default = "03:00";
      description = "When, as systemd writes calendar times.";
    };
    maximumDeletions = mkOption {
      type = types.ints.positive;
      default = 1000;
      description = "A run that would delete more files than this at the target stops before it deletes one.";
    };
    dumpFirst = mkOption {
      type = types.bool;
      default = true;
      description = "Whether databases are dumped before, as files of a running database are no copy of it.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.plans.rsync-mirror = {
      design = "rsync-mirror";
      tier = 1;
      inherit (cfg) schedule repository;
      stacks = config.bootstead.stacks.names;
      packages = [
        pkgs.rsync
        pkgs.openssh
      ];
      settings = {
        inherit (cfg) paths maximumDeletions dumpFirst;
      };
    };
  };
}
