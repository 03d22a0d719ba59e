# The layout as it was planned and laid out: the same plan made the partitions and this configuration.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage;
  gibibyte = 1024 * 1024 * 1024;
  inGibibytes = bytes: "${toString (bytes / gibibyte)} GiB";
  bytes = types.nullOr types.ints.positive;
  thinPoolDefaults = import ../lib/thin-pool-defaults.nix;

  mountPoints = map (entry: entry.mountPoint) cfg.fileSystems;
  duplicates = lib.unique (
    builtins.filter (path: lib.count (other: other == path) mountPoints > 1) mountPoints
  );

  isThinVolume = entry: cfg.thinPool != null && lib.hasPrefix "/dev/${cfg.thinPool.volumeGroup}/" entry.device;
  isPartition = entry: lib.hasPrefix "/dev/disk/by-part" entry.device;
  sumOfSizes =
    entries: lib.foldl' (sum: entry: sum + (if entry.size == null then 0 else entry.size)) 0 entries;
  volumes = sumOfSizes (builtins.filter isThinVolume cfg.fileSystems);
  partitions = sumOfSizes (builtins.filter isPartition cfg.fileSystems);
  pool = if cfg.thinPool == null || cfg.thinPool.size == null then 0 else cfg.thinPool.size;
  # The pool lies behind the system, unless it has a disk of its own.
  poolOnBootDisk = if cfg.dataDisk == null then pool else 0;
  poolOnDataDisk = if cfg.dataDisk == null then 0 else pool;
in
{
  options.bootstead.storage = {
    layout = mkOption {
      type = types.enum [
        "lvm-thin"
        "lvm-thin-mirror"
        "os-only"
        "single"
        "zfs-boot-mirror"
      ];
      default = if cfg.thinPool == null then "os-only" else "lvm-thin";
      defaultText = lib.literalMD "`lvm-thin` where there is a thin pool, otherwise `os-only`";
      description = "How the system disk is laid out. The installer makes `lvm-thin`; the others are for disks that were laid out by hand.";
    };

    fileSystems = mkOption {
      description = "The planned file systems.";
      default = [ ];
      type = types.listOf (
        types.submodule {
          options = {
            mountPoint = mkOption {
              type = bootsteadLib.absolutePath;
              example = "/srv/appdata";
              description = "Where it is mounted.";
            };
            device = mkOption {
              type = types.nonEmptyStr;
              example = "/dev/data/appdata";
              description = "Its device by a name that stays, or its ZFS data set.";
            };
            type = mkOption {
              type = types.enum [
                "ext4"
                "xfs"
                "btrfs"
                "vfat"
                "zfs"
              ];
              description = "Its type.";
            };
            label = mkOption {
              type = types.str;
              default = "";
              description = "The label that it was made with, for people; it is found by its device.";
            };
            options = mkOption {
              type = types.listOf types.nonEmptyStr;
              default = [ ];
              example = [
                "noatime"
                "nofail"
              ];
              description = "Mount options.";
            };
            size = mkOption {
              type = bytes;
              default = null;
              description = "Its size in bytes as planned, so that a layout that does not fit is refused.";
            };
          };
        }
      );
    };

    thinPool = mkOption {
      default = null;
      description = "The thin pool that volumes are made in.";
      type = types.nullOr (
        types.submodule {
          options = {
            volumeGroup = mkOption {
              type = types.strMatching "[A-Za-z0-9_+.][A-Za-z0-9_+.-]*";
              default = thinPoolDefaults.volumeGroup;
              description = "The volume group.";
            };
            pool = mkOption {
              type = types.strMatching "[A-Za-z0-9_+.][A-Za-z0-9_+.-]*";
              default = thinPoolDefaults.pool;
              description = "The pool's name in the group.";
            };
            autoextendThreshold = mkOption {
              type = types.ints.between 50 100;
              default = thinPoolDefaults.autoextendThreshold;
              description = "Percent of use at which the pool grows; 100 never grows it.";
            };
            autoextendPercent = mkOption {
              type = types.ints.between 1 100;
              default = thinPoolDefaults.autoextendPercent;
              description = "By how many percent it grows.";
            };
            size = mkOption {
              type = bytes;
              default = null;
              description = "Its size in bytes as planned.";
            };
          };
        }
      );
    };

    bootDiskSize = mkOption {
      type = bytes;
      default = null;
      description = "The size of the boot disk in bytes.";
    };
    dataDisk = mkOption {
      type = types.nullOr bootsteadLib.stableDisk;
      default = null;
      example = "/dev/disk/by-id/ata-Example_Disk_0123";
      description = "The disk with the data volume group, where that is another one than the boot disk.";
    };
    dataDiskSize = mkOption {
      type = bytes;
      default = null;
      description = "The size of that disk in bytes.";
    };
    allowOvercommit = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the thin volumes may promise more together than the pool holds.";
    };

    mirror = {
      bootDisk = mkOption {
        type = types.nullOr bootsteadLib.stableDisk;
        default = null;
        example = "/dev/disk/by-id/nvme-Example_SSD_1TB_9876543210";
        description = "The second boot disk of the layouts `lvm-thin-mirror` and `zfs-boot-mirror`.";
      };
      mountPoint = mkOption {
        type = bootsteadLib.absolutePath;
        default = "/boot-mirror";
        description = "Where the second disk's EFI system partition is mounted.";
      };
    };

    swap = {
      kind = mkOption {
        type = types.enum [
          "none"
          "zram"
          "partition"
        ];
        default = "none";
        description = "What memory is moved to when it is short: nothing, compressed memory, or a partition.";
      };
      device = mkOption {
        type = types.nullOr (types.strMatching "/dev/disk/by-(id|partuuid)/[^/ ]+");
        default = null;
        example = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000009";
        description = "With `partition`: which one, by a name that stays. It gets a new key at each start, so that nothing of it can be read later.";
      };
    };

    declared = mkOption {
      type = types.raw;
      internal = true;
      description = "What is declared of the disks, by lib/declared-disks.nix.";
    };

    usedDisks = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      internal = true;
      description = "What uses which disk, so that two designs do not name the same one.";
    };
  };

  config = {
    assertions =
      map (path: {
        assertion = false;
        message = "bootstead.storage.fileSystems: ${path} is listed twice; one of them would never be seen.";
      }) duplicates
      ++ [
        {
          assertion = builtins.elem "/" mountPoints;
          message = "bootstead.storage.fileSystems: there is none for /; the plan always has one.";
        }
        {
          assertion =
            config.bootstead.machine.firmware == "bios"
            || lib.any (entry: entry.mountPoint == "/boot" && entry.type == "vfat") cfg.fileSystems;
          message = "bootstead.storage.fileSystems: UEFI starts from a vfat file system on /boot, and there is none.";
        }
        {
          assertion = cfg.allowOvercommit || pool == 0 || volumes <= pool;
          message = "bootstead.storage.fileSystems: the volumes ask for ${inGibibytes volumes}, and the pool holds ${inGibibytes pool}; make them smaller, or set bootstead.storage.allowOvercommit.";
        }
        {
          assertion = cfg.bootDiskSize == null || partitions + poolOnBootDisk <= cfg.bootDiskSize;
          message = "bootstead.storage: the layout needs ${inGibibytes (partitions + poolOnBootDisk)} on ${config.bootstead.machine.bootDisk}, which has ${
            inGibibytes (lib.defaultTo 0 cfg.bootDiskSize)
          }.";
        }
        {
          assertion = cfg.dataDiskSize == null || poolOnDataDisk <= cfg.dataDiskSize;
          message = "bootstead.storage.thinPool: the pool has ${inGibibytes poolOnDataDisk}, and ${toString cfg.dataDisk} has ${
            inGibibytes (lib.defaultTo 0 cfg.dataDiskSize)
          }.";
        }
      ]
      ++ [
        {
          assertion = (cfg.swap.kind == "partition") == (cfg.swap.device != null);
          message = "bootstead.storage.swap.device: a swap partition needs it, and no other kind of swap does.";
        }
      ]
      ++ lib.mapAttrsToList (disk: users: {
        assertion = builtins.length users < 2;
        message = "bootstead.storage: ${disk} is used by ${lib.concatStringsSep " and by " users}; a disk has one use.";
      }) cfg.usedDisks;

    bootstead.storage.usedDisks = lib.mkMerge [
      { ${config.bootstead.machine.bootDisk} = [ "bootstead.machine.bootDisk" ]; }
      (lib.mkIf (cfg.dataDisk != null) { ${toString cfg.dataDisk} = [ "bootstead.storage.dataDisk" ]; })
      (lib.mkIf (cfg.mirror.bootDisk != null) {
        ${toString cfg.mirror.bootDisk} = [ "bootstead.storage.mirror.bootDisk" ];
      })
    ];

    bootstead.storage.declared = import ../lib/declared-disks.nix {
      machine = {
        inherit (cfg) fileSystems thinPool;
        roles = config.bootstead.enabledRoles;
        settings.storage = { inherit (cfg) swap; };
      };
    };
    inherit (cfg.declared) fileSystems swapDevices;
    zramSwap.enable = lib.mkIf (cfg.swap.kind == "zram") true;
    services.btrfs.autoScrub.enable = lib.mkIf (lib.any (
      entry: entry.type == "btrfs"
    ) cfg.fileSystems) (lib.mkDefault true);
  };
}
