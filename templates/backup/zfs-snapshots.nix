# Snapshots of ZFS data sets by Sanoid.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.zfs-snapshots;
  pools = builtins.attrNames config.bootstead.storage.zfs.pools;
  span =
    name: default:
    mkOption {
      type = types.ints.unsigned;
      inherit default;
      description = "How many ${name} snapshots stay.";
    };
in
{
  options.bootstead.backup.zfs-snapshots = {
    enable = lib.mkEnableOption "snapshots of ZFS data sets";
    datasets = mkOption {
      type = types.listOf types.str;
      default = pools;
      defaultText = lib.literalMD "all pools of `bootstead.storage.zfs.pools`";
      example = [ "tank/photos" ];
      description = "Which data sets, with those below them.";
    };
    hourly = span "hourly" 0;
    daily = span "daily" 7;
    weekly = span "weekly" 4;
    monthly = span "monthly" 0;
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.datasets != [ ];
        message = "bootstead.backup.zfs-snapshots.datasets: there is no pool in bootstead.storage.zfs.pools, and no data set is named.";
      }
    ];
    bootstead.backup.others.zfs-snapshots = {
      tier = 2;
      units = [ "sanoid.service" ];
      scope = { inherit (cfg) datasets; };
    };
    services.sanoid = {
      enable = true;
      datasets = lib.genAttrs cfg.datasets (_: {
        recursive = true;
        autosnap = true;
        autoprune = true;
        inherit (cfg)
          hourly
          daily
          weekly
          monthly
          ;
        yearly = 0;
      });
    };
  };
}
