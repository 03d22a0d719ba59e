# Disks for others: ZFS, NFS and Samba shares, snapshots, disk health, and an orderly end when the power fails.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.nas;

  share = types.submodule (
    { ... }:
    {
      options = {
        path = mkOption {
          type = types.path;
          example = "/tank/media";
          description = "The folder.";
        };

        clients = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "192.0.2.0/24" ];
          description = "The networks that may use the share. Empty: nobody by NFS; by Samba whoever has a login.";
        };

        nfs = mkOption {
          type = types.bool;
          default = false;
          description = "Share by NFS.";
        };

        nfsOptions = mkOption {
          type = types.listOf types.str;
          default = [
            "rw"
            "sync"
            "no_subtree_check"
            "root_squash"
          ];
          example = [
            "rw"
            "sync"
            "no_subtree_check"
            "all_squash"
            "anonuid=2000"
            "anongid=2000"
          ];
          description = "Options of `exports(5)`.";
        };

        samba = mkOption {
          type = types.bool;
          default = false;
          description = "Share by Samba, under the name that it has here.";
        };

        sambaUsers = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "admin" ];
          description = "The users that may use the share by Samba; their passwords are set by `smbpasswd -a`. Empty: all of them.";
        };

        readOnly = mkOption {
          type = types.bool;
          default = false;
          description = "Whether Samba users only read.";
        };
      };
    }
  );
  shares = lib.attrValues cfg.shares;
  nfsShares = lib.filter (entry: entry.nfs) shares;
  sambaShares = lib.filterAttrs (_: entry: entry.samba) cfg.shares;

  nfsPorts = {
    lockd = 4001;
    mountd = 4002;
    statd = 4000;
  };
in
{
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

    shares = mkOption {
      type = types.attrsOf share;
      default = { };
      example = lib.literalExpression ''
        {
          data = {
            path = "/tank/data";
            nfs = true;
            clients = [ "192.0.2.0/24" ];
          };
        }
      '';
      description = ''
        What is shared. Media and downloads belong into one share: hard links and moves work within one mount only.
      '';
    };

    nfsVersion3 = mkOption {
      type = types.bool;
      default = false;
      description = "Answer NFS version 3 too, with fixed ports, for clients that need it.";
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

    ups = {
      enable = lib.mkEnableOption "a UPS on this machine, which others may ask too";

      driver = mkOption {
        type = types.str;
        default = "usbhid-ups";
        description = "The driver of Network UPS Tools.";
      };

      port = mkOption {
        type = types.str;
        default = "auto";
        description = "Where the UPS is; `auto` for USB.";
      };

      secret = mkOption {
        type = bootsteadLib.secretReference;
        default = "secret:ups-password";
        description = "The secret with the password of `upsmon`, here and on the machines that ask.";
      };

      clients = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "192.0.2.11" ];
        description = "Machines that shut down by this UPS, before this machine does.";
      };
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions =
          map (entry: {
            assertion = entry.nfs -> entry.clients != [ ];
            message = "bootstead.roles.nas.shares: \"${entry.path}\" is shared by NFS with nobody; name the networks in clients.";
          }) shares
          ++ map (entry: {
            assertion = entry.nfs || entry.samba;
            message = "bootstead.roles.nas.shares: \"${entry.path}\" is shared neither by NFS nor by Samba; set one of them.";
          }) shares;
      }

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

      (lib.mkIf (nfsShares != [ ]) {
        services.nfs.server = {
          enable = true;
          exports = lib.concatMapStrings (
            entry:
            "${entry.path} ${
              lib.concatMapStringsSep " " (
                client: "${client}(${lib.concatStringsSep "," entry.nfsOptions})"
              ) entry.clients
            }\n"
          ) nfsShares;
          lockdPort = nfsPorts.lockd;
          mountdPort = nfsPorts.mountd;
          statdPort = nfsPorts.statd;
        };
        services.nfs.settings.nfsd.vers3 = cfg.nfsVersion3;
        networking.firewall =
          let
            older = lib.optionals cfg.nfsVersion3 ([ 111 ] ++ lib.attrValues nfsPorts);
          in
          import ../lib/firewall.nix { inherit lib config; } {
            from = lib.unique (lib.concatMap (entry: entry.clients) nfsShares);
            tcp = [ 2049 ] ++ older;
            udp = older;
          };
      })

      (lib.mkIf (sambaShares != { }) {
        services.samba = {
          enable = true;
          nmbd.enable = false;
          winbindd.enable = false;
          openFirewall = true;
          settings = {
            global = {
              "server string" = config.networking.hostName;
              "server min protocol" = "SMB3";
              "map to guest" = "never";
              "load printers" = "no";
              # What macOS needs to keep its metadata.
              "vfs objects" = "catia fruit streams_xattr";
              "fruit:metadata" = "stream";
            };
          }
          // lib.mapAttrs (
            _: entry:
            {
              inherit (entry) path;
              "read only" = if entry.readOnly then "yes" else "no";
              browseable = "yes";
              "guest ok" = "no";
            }
            // lib.optionalAttrs (entry.sambaUsers != [ ]) {
              "valid users" = lib.concatStringsSep " " entry.sambaUsers;
            }
            // lib.optionalAttrs (entry.clients != [ ]) {
              "hosts allow" = lib.concatStringsSep " " (entry.clients ++ [ "localhost" ]);
              "hosts deny" = "ALL";
            }
          ) sambaShares;
        };
        # So that Windows finds the machine.
        services.samba-wsdd = {
          enable = true;
          openFirewall = true;
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

      (lib.mkIf cfg.ups.enable {
        bootstead.secrets.${bootsteadLib.secretName cfg.ups.secret}.units = [
          "upsd.service"
          "upsmon.service"
        ];
        power.ups = {
          enable = true;
          mode = if cfg.ups.clients == [ ] then "standalone" else "netserver";
          ups.main = {
            inherit (cfg.ups) driver port;
            description = "UPS of ${config.networking.hostName}";
          };
          upsd.listen = [
            { address = if cfg.ups.clients == [ ] then "127.0.0.1" else "0.0.0.0"; }
          ];
          users.upsmon = {
            passwordFile = bootsteadLib.secretPath cfg.ups.secret;
            upsmon = "primary";
          };
          upsmon.monitor.main = {
            user = "upsmon";
            type = "primary";
          };
        };
        networking.firewall = import ../lib/firewall.nix { inherit lib config; } {
          from = cfg.ups.clients;
          tcp = [ 3493 ];
        };
      })
    ]
  );
}
