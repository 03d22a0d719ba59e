# The part of the role "nas" for disks of different sizes: each has a file system of its own, SnapRAID keeps parity of
# them, and MergerFS shows them as one folder.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  nas = config.bootstead.roles.nas;
  cfg = nas.parity;
  dataDisks = lib.attrValues cfg.dataDisks;
  isMounted = path: config.fileSystems ? ${path};
  unmounted = lib.filter (path: !isMounted path) (dataDisks ++ cfg.parityDisks);
in
{
  options.bootstead.roles.nas.parity = {
    enable = lib.mkEnableOption "parity over disks of different sizes, by SnapRAID";

    dataDisks = mkOption {
      type = types.attrsOf bootsteadLib.absolutePath;
      default = { };
      example = {
        d1 = "/mnt/d1";
        d2 = "/mnt/d2";
      };
      description = "Mount points of the disks with data, by the name that SnapRAID knows them by. A name stays with its disk.";
    };

    parityDisks = mkOption {
      type = types.listOf bootsteadLib.absolutePath;
      default = [ ];
      example = [ "/mnt/parity1" ];
      description = ''
        Mount points of the disks with parity, each at least as large as the largest with data. As many disks may fail at
        once; what was written since the last sync is not covered.
      '';
    };

    mountPoint = mkOption {
      type = types.nullOr bootsteadLib.absolutePath;
      default = null;
      example = "/data";
      description = "Where all data disks are shown as one folder, by MergerFS. Null: nowhere.";
    };

    exclude = mkOption {
      type = types.listOf types.str;
      default = [
        "*.unrecoverable"
        "/lost+found/"
        "/tmp/"
      ];
      description = "What has no parity, in SnapRAID's patterns. Files that change all the time belong here, as databases do.";
    };

    syncAt = mkOption {
      type = types.str;
      default = "01:00";
      description = "When parity is brought up to date, as systemd writes calendar times.";
    };
  };

  config = lib.mkIf (nas.enable && cfg.enable) {
    assertions = [
      {
        assertion = cfg.dataDisks != { } && cfg.parityDisks != [ ];
        message = "bootstead.roles.nas.parity: it takes at least one of dataDisks and one of parityDisks.";
      }
      {
        assertion = lib.allUnique (dataDisks ++ cfg.parityDisks);
        message = "bootstead.roles.nas.parity: a disk is listed twice; parity on a disk with data is lost with it.";
      }
      {
        # Otherwise both would fill the system's own disk.
        assertion = unmounted == [ ];
        message = "bootstead.roles.nas.parity: no file system is declared on ${lib.concatStringsSep ", " unmounted}.";
      }
    ];

    services.snapraid = {
      enable = true;
      dataDisks = lib.mapAttrs (_: path: "${path}/") cfg.dataDisks;
      parityFiles = map (path: "${path}/snapraid.parity") cfg.parityDisks;
      # The list of what there is, on more disks than may fail: SnapRAID repairs nothing without one.
      contentFiles = [ "/var/lib/snapraid/snapraid.content" ] ++ map (path: "${path}/snapraid.content") dataDisks;
      inherit (cfg) exclude;
      sync.interval = cfg.syncAt;
    };
    systemd.tmpfiles.rules = [ "d /var/lib/snapraid 0700 root root - -" ];
    # Folders, because the parity files are not there before the first run; and only while the disks are.
    systemd.services = lib.genAttrs [ "snapraid-sync" "snapraid-scrub" ] (_: {
      unitConfig.RequiresMountsFor = dataDisks ++ cfg.parityDisks;
      serviceConfig.ReadWritePaths = lib.mkForce (dataDisks ++ cfg.parityDisks ++ [ "/var/lib/snapraid" ]);
    });

    system.fsPackages = lib.mkIf (cfg.mountPoint != null) [ pkgs.mergerfs ];
    fileSystems = lib.mkIf (cfg.mountPoint != null) {
      ${toString cfg.mountPoint} = {
        device = lib.concatStringsSep ":" dataDisks;
        fsType = "mergerfs";
        # A new file goes where its folder is already, so that hard links and moves stay on one disk.
        options = [
          "category.create=msppfrd"
          "fsname=${lib.concatStringsSep "+" (lib.attrNames cfg.dataDisks)}"
          "moveonenospc=true"
          "nofail"
        ];
        depends = dataDisks;
      };
    };
  };
}
