# The part of the role "nas" that shares folders, by NFS and by Samba.
{ config, lib, ... }:
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
    ]
  );
}
