# Disks for others: ZFS, snapshots and copies of it, disk health; shares and the UPS are in files of their own.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.nas;
in
{
  imports = [
    ./_nas-parity.nix
    ./_nas-shares.nix
    ./_nas-ups.nix
  ];

  options.bootstead.roles.nas = {
    enable = lib.mkEnableOption "network shares on ZFS";

    pools = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "tank" ];
      description = "ZFS pools that are imported at boot, found by their labels on the disks. They are never created here.";
    };

    scrub = mkOption {
      type = types.str;
      default = "monthly";
      description = "How often pools are read through and repaired, as `systemd.time(7)` has it.";
    };

    snapshots = {
      enable = mkOption {
        type = types.bool;
        default = cfg.pools != [ ];
        defaultText = lib.literalExpression "bootstead.roles.nas.pools != [ ]";
        description = "Take snapshots of the pools' datasets by sanoid.";
      };

      datasets = mkOption {
        type = types.listOf types.str;
        default = cfg.pools;
        defaultText = lib.literalExpression "bootstead.roles.nas.pools";
        example = [ "tank/media" ];
        description = "The datasets, each with all below it.";
      };

      hourly = mkOption {
        type = types.ints.unsigned;
        default = 0;
        description = "How many hourly snapshots are kept.";
      };

      daily = mkOption {
        type = types.ints.unsigned;
        default = 7;
        description = "How many daily snapshots are kept.";
      };

      weekly = mkOption {
        type = types.ints.unsigned;
        default = 4;
        description = "How many weekly snapshots are kept.";
      };

      monthly = mkOption {
        type = types.ints.unsigned;
        default = 0;
        description = "How many monthly snapshots are kept.";
      };
    };

    replication = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        "tank/photos" = "backup/photos";
      };
      description = "Datasets that syncoid copies, to another pool or to `USER@HOST:POOL/DATASET`.";
    };

    diskHealth = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Scrutiny: the disks' SMART values over time, as a web page.";
      };

      port = mkOption {
        type = types.port;
        default = 8081;
        description = "Where the page is, on this machine alone; give it a route.";
      };
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      (lib.mkIf (cfg.pools != [ ]) {
        boot.supportedFilesystems.zfs = true;
        # A pool of another machine stays that machine's: nothing is imported by force.
        boot.zfs = {
          extraPools = cfg.pools;
          forceImportRoot = false;
          forceImportAll = false;
          devNodes = lib.mkDefault "/dev/disk/by-id";
        };
        services.zfs = {
          autoScrub = {
            enable = true;
            inherit (cfg) pools;
            interval = cfg.scrub;
          };
          trim.enable = true;
        };
      })

      (lib.mkIf cfg.snapshots.enable {
        services.sanoid = {
          enable = true;
          templates.bootstead = {
            inherit (cfg.snapshots)
              hourly
              daily
              monthly
              ;
            yearly = 0;
            weekly = cfg.snapshots.weekly;
            autosnap = true;
            autoprune = true;
          };
          datasets = lib.genAttrs cfg.snapshots.datasets (_: {
            useTemplate = [ "bootstead" ];
            recursive = "zfs";
          });
        };
      })

      (lib.mkIf (cfg.replication != { }) {
        services.syncoid = {
          enable = true;
          commands = lib.mapAttrs (source: target: {
            inherit source target;
            recursive = true;
          }) cfg.replication;
        };
      })

      (lib.mkIf cfg.diskHealth.enable {
        services.scrutiny = {
          enable = true;
          settings.web.listen = {
            host = "127.0.0.1";
            inherit (cfg.diskHealth) port;
          };
          settings.web.influxdb.host = "127.0.0.1";
          collector.settings.api.endpoint = "http://127.0.0.1:${toString cfg.diskHealth.port}";
        };
        services.influxdb2.settings.http-bind-address = "127.0.0.1:8086";
      })
    ]
  );
}
