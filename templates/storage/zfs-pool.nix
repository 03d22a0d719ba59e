# ZFS pools on disks beside the system's. The pools are declared here and imported at each start; the agent makes them,
# with consent, and never by itself.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.zfs;
  pools = cfg.pools;
  least = {
    stripe = 1;
    mirror = 2;
    raidz1 = 3;
    raidz2 = 4;
    raidz3 = 5;
  };

  datasets = lib.concatLists (
    lib.mapAttrsToList (
      pool: settings:
      lib.mapAttrsToList (
        name: dataset:
        dataset
        // {
          path = "${pool}/${name}";
        }
      ) settings.datasets
    ) pools
  );
  mounted = builtins.filter (dataset: dataset.mountPoint != null) datasets;
in
{
  options.bootstead.storage.zfs.pools = mkOption {
    default = { };
    example = {
      tank = {
        mode = "mirror";
        members = [
          "/dev/disk/by-id/ata-Example_Disk_1"
          "/dev/disk/by-id/ata-Example_Disk_2"
        ];
        datasets.photos = {
          mountPoint = "/srv/photos";
          placementClass = "photos";
        };
      };
    };
    description = "ZFS pools of this machine, by name.";
    type = types.attrsOf (
      types.submodule {
        options = {
          mode = mkOption {
            type = types.enum (builtins.attrNames least);
            example = "mirror";
            description = "How the members are put together.";
          };
          acknowledgeNoRedundancy = mkOption {
            type = types.bool;
            default = false;
            description = "With `stripe`: that one disk's death ends the whole pool is known, and wanted.";
          };
          members = mkOption {
            type = types.nonEmptyListOf bootsteadLib.stableDisk;
            description = "The whole disks that the pool is on, by names that stay.";
          };
          ashift = mkOption {
            type = types.ints.between 9 16;
            default = 12;
            description = "The sector size as a power of two; 12 is 4096 bytes.";
          };
          compression = mkOption {
            type = types.str;
            default = "zstd";
            description = "The compression of the pool's data sets.";
          };
          atime = mkOption {
            type = types.bool;
            default = false;
            description = "Whether reading a file writes when that was.";
          };
          datasets = mkOption {
            default = { };
            description = "The pool's data sets, by path below the pool.";
            type = types.attrsOf (
              types.submodule {
                options = {
                  mountPoint = mkOption {
                    type = types.nullOr bootsteadLib.absolutePath;
                    default = null;
                    example = "/srv/photos";
                    description = "Where it is mounted. `null` mounts it nowhere.";
                  };
                  placementClass = mkOption {
                    type = types.nullOr types.str;
                    default = null;
                    example = "photos";
                    description = "What lies on it, as `bootstead.stacks.placement` names it.";
                  };
                  recordSize = mkOption {
                    type = types.nullOr (types.strMatching "[0-9]+[KM]");
                    default = null;
                    example = "16K";
                    description = "The record size, where the pool's does not suit; 16K for databases.";
                  };
                  quota = mkOption {
                    type = types.nullOr (types.strMatching "[0-9]+[MGT]");
                    default = null;
                    example = "500G";
                    description = "How large it may become.";
                  };
                };
              }
            );
          };
        };
      }
    );
  };

  config = lib.mkIf (pools != { }) {
    assertions = lib.concatLists (
      lib.mapAttrsToList (name: pool: [
        {
          assertion = builtins.length pool.members >= least.${pool.mode};
          message = "bootstead.storage.zfs.pools.${name}.members: ${pool.mode} takes at least ${
            toString least.${pool.mode}
          } disks, and there are ${toString (builtins.length pool.members)}.";
        }
        {
          assertion = lib.unique pool.members == pool.members;
          message = "bootstead.storage.zfs.pools.${name}.members: a disk is listed twice.";
        }
        {
          assertion = pool.mode != "stripe" || pool.acknowledgeNoRedundancy;
          message = "bootstead.storage.zfs.pools.${name}: a stripe is lost with any one of its disks; take another mode, or set acknowledgeNoRedundancy.";
        }
        {
          assertion = builtins.match "[a-zA-Z][a-zA-Z0-9_.-]*" name != null && builtins.match "(mirror|raidz|spare|log|c[0-9]).*" name == null;
          message = "bootstead.storage.zfs.pools: ZFS takes no pool called \"${name}\".";
        }
      ]) pools
    );

    bootstead.storage.usedDisks = lib.mkMerge (
      lib.concatLists (
        lib.mapAttrsToList (
          name: pool:
          map (disk: { ${disk} = [ "bootstead.storage.zfs.pools.${name}" ]; }) (lib.unique pool.members)
        ) pools
      )
    );

    boot.supportedFilesystems.zfs = true;
    boot.zfs = {
      # By scanning, not by a cache file that another kernel wrote; and never by force: a pool that another machine
      # has open stays closed here.
      extraPools = builtins.attrNames pools;
      devNodes = "/dev/disk/by-id";
      forceImportRoot = false;
      forceImportAll = false;
    };
    services.zfs = {
      autoScrub.enable = lib.mkDefault true;
      trim.enable = lib.mkDefault true;
    };

    fileSystems = lib.listToAttrs (
      map (dataset: {
        name = dataset.mountPoint;
        value = {
          device = dataset.path;
          fsType = "zfs";
          # The machine comes up and reports even where its data does not.
          options = [
            "zfsutil"
            "nofail"
          ];
        };
      }) mounted
    );

    environment.etc."bootstead/zfs.json".source = (pkgs.formats.json { }).generate "bootstead-zfs.json" {
      schema = 1;
      inherit pools;
    };
  };
}
