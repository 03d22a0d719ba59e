# File systems of another machine by NFS.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.nfs;
in
{
  options.bootstead.storage.nfs.mounts = mkOption {
    default = { };
    example = {
      data = {
        server = "nas.example.com";
        export = "/data";
        mountPoint = "/data";
      };
    };
    description = ''
      NFS mounts by name. What is moved or hard-linked from one folder to another has to lie on **one** mount, as
      downloads and media do.
    '';
    type = types.attrsOf (
      types.submodule {
        options = {
          server = mkOption {
            type = types.strMatching "[A-Za-z0-9.:-]+";
            example = "192.0.2.20";
            description = "The server's name or address.";
          };
          export = mkOption {
            type = bootsteadLib.absolutePath;
            example = "/data";
            description = "What the server exports.";
          };
          mountPoint = mkOption {
            type = bootsteadLib.absolutePath;
            example = "/data";
            description = "Where it is mounted.";
          };
          version = mkOption {
            type = types.enum [
              "3"
              "4"
              "4.1"
              "4.2"
            ];
            default = "4.2";
            description = "The protocol's version.";
          };
          automount = mkOption {
            type = types.bool;
            default = true;
            description = "Whether it is mounted when it is first used, so that the machine starts without the server.";
          };
          mountTimeout = mkOption {
            type = types.ints.positive;
            default = 30;
            description = "After how many seconds a mount that does not succeed is given up.";
          };
          readOnly = mkOption {
            type = types.bool;
            default = false;
            description = "Whether nothing is written to it.";
          };
          options = mkOption {
            type = types.listOf types.nonEmptyStr;
            default = [ ];
            example = [ "nconnect=4" ];
            description = "Further mount options.";
          };
        };
      }
    );
  };

  config = lib.mkIf (cfg.mounts != { }) {
    assertions = lib.concatLists (
      lib.mapAttrsToList (name: mount: [
        {
          assertion = !lib.any (entry: entry.mountPoint == mount.mountPoint) config.bootstead.storage.fileSystems;
          message = "bootstead.storage.nfs.mounts.${name}.mountPoint: ${mount.mountPoint} is one of the machine's own file systems.";
        }
        {
          assertion = mount.mountPoint != "/";
          message = "bootstead.storage.nfs.mounts.${name}.mountPoint: the root is the machine's own.";
        }
      ]) cfg.mounts
    );
    boot.supportedFilesystems.nfs = true;
    fileSystems = lib.mapAttrs' (_: mount: {
      name = mount.mountPoint;
      value = {
        device = "${mount.server}:${mount.export}";
        fsType = "nfs";
        options = [
          "nfsvers=${mount.version}"
          "_netdev"
          "nofail"
          "x-systemd.mount-timeout=${toString mount.mountTimeout}"
        ]
        ++ lib.optionals mount.automount [
          "noauto"
          "x-systemd.automount"
        ]
        ++ lib.optional mount.readOnly "ro"
        ++ mount.options;
      };
    }) cfg.mounts;
  };
}
